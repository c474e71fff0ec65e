"""The version of the distribution.

Not read from its metadata: a host that is vendored, zipped or frozen has none.
"""

VERSION = "0.1.0"
