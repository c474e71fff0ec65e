"""Evidence on disk that outlives the process: snapshots, and the watch's history."""
