"""Looks at a network as a few kilobytes that can be kept: figures as JSON, arrays in it as base64, all compressed."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from wavenames.probes.health import Flow, Health, Layer, Norm, Weight


def packed(health: Health) -> bytes:
    """A look as bytes."""
    return zlib.compress(json.dumps(_plain(health)).encode(), level=1)


def unpacked(data: bytes) -> Health:
    """The way back from `packed`, to the same figures."""
    plain = json.loads(zlib.decompress(data))
    return Health(
        plain["loss"],
        tuple(Layer(**_arrays(each) | {"gradient": _flow(each["gradient"])}) for each in plain["layers"]),
        tuple(
            Weight(**each | {"shape": tuple(each["shape"]), "gradient": _flow(each["gradient"])})
            for each in plain["weights"]
        ),
        tuple(Norm(**_arrays(each)) for each in plain["norms"]),
    )


def _flow(plain: dict[str, Any] | None) -> Any:
    return None if plain is None else Flow(**_arrays(plain))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"type": value.dtype.str, "shape": value.shape, "data": data}
    return value


def _arrays(plain: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _array(value) if isinstance(value, dict) and "type" in value else value for name, value in plain.items()
    }


def _array(plain: dict[str, Any]) -> Any:
    return np.frombuffer(base64.b64decode(plain["data"]), plain["type"]).reshape(plain["shape"])
