"""The output and the result of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from ops_service.v1 import evaluation_pb2


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation that ended, or that the server stopped waiting for."""

    header: evaluation_pb2.EvaluationHeader
    output: tuple[evaluation_pb2.EvaluationOutput, ...]
    """What it printed, in order."""
    result: evaluation_pb2.EvaluationResult
    """Its outcome, and its value or exception."""
    audit_hash: str = ""
    """Hash of its audit record. Keep it elsewhere: it shows whether the log was cut or
    rewritten. See `verify_audit_log`."""

    @property
    def text(self) -> str:
        """What it printed, to either stream."""
        return "".join(piece.text for piece in self.output)
