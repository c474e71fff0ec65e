"""Facts about the running process. Knows neither gRPC nor protobuf."""
