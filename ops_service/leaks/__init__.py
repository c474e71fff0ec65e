"""From censuses to growth reports. Pure logic on `ops_service.heap.census`."""
