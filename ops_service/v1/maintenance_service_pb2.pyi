from ops_service.v1 import allocations_pb2 as _allocations_pb2
from ops_service.v1 import annotations_pb2 as _annotations_pb2
from ops_service.v1 import evaluation_pb2 as _evaluation_pb2
from ops_service.v1 import growth_pb2 as _growth_pb2
from ops_service.v1 import growth_history_pb2 as _growth_history_pb2
from ops_service.v1 import heap_pb2 as _heap_pb2
from ops_service.v1 import heap_graph_pb2 as _heap_graph_pb2
from ops_service.v1 import loggers_pb2 as _loggers_pb2
from ops_service.v1 import memory_pb2 as _memory_pb2
from ops_service.v1 import operations_pb2 as _operations_pb2
from ops_service.v1 import process_pb2 as _process_pb2
from ops_service.v1 import referrers_pb2 as _referrers_pb2
from ops_service.v1 import repl_pb2 as _repl_pb2
from ops_service.v1 import stacks_pb2 as _stacks_pb2
from ops_service.v1 import store_pb2 as _store_pb2
from ops_service.v1 import workers_pb2 as _workers_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
