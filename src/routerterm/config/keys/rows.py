"""Which keys a provider has, in which order: the settings' references, stored ones, the environment.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from routerterm.catalog.values import ProviderInfo
from routerterm.config.keys.index import Records
from routerterm.config.keys.values import KeyLocation, KeyRecord
from routerterm.core.secret import mask

if TYPE_CHECKING:
    from routerterm.config.schema import KeyRef


def rows_of(
    provider: str,
    info: ProviderInfo | None,
    references: Sequence[KeyRef],
    index: Records,
    environ: Mapping[str, str],
    order: Sequence[str],
) -> tuple[KeyRecord, ...]:
    """The provider's keys in order of preference, each label once.

    First what the settings name, in their order; then what is stored; last the first variable that is set.
    What the index knows of a label (quota, notes, whether it is enabled) goes before the settings' word.
    """
    stored = [record for record in index if record.provider == provider]
    found: dict[str, KeyRecord] = {}
    for reference in references:
        record = _of_reference(provider, reference, environ)
        found.setdefault(record.label, record)
    for record in stored:
        if record.stored:
            listed = found.get(record.label)
            found[record.label] = _joined(listed, record) if listed else record
    used = {record.where for record in found.values() if record.place is KeyLocation.ENVIRONMENT}
    for variable in variables(provider, info):
        if environ.get(variable, "").strip():
            if variable not in used:
                record = _of_variable(provider, variable, environ)
                found.setdefault(record.label, record)
            break
    for record in stored:
        if not record.stored and record.label in found:
            found[record.label] = _joined(found[record.label], record)
    return tuple(record for record in found.values() if record.place in order)


def variables(provider: str, info: ProviderInfo | None) -> tuple[str, ...]:
    """The environment variables that may hold the provider's key."""
    if info is not None and (info.env or info.local):
        return info.env
    return (f"{provider.upper().replace('-', '_').replace('.', '_')}_API_KEY",)


def free_label(wanted: str, taken: Iterable[str]) -> str:
    """``default``, ``default-2``, ``default-3``…"""
    taken = set(taken)
    label, number = wanted, 1
    while label in taken:
        number += 1
        label = f"{wanted}-{number}"
    return label


def _of_reference(provider: str, reference: KeyRef, environ: Mapping[str, str]) -> KeyRecord:
    kind, _, rest = reference.ref.partition(":")
    rest = rest.strip()
    place = KeyLocation(kind)
    record = KeyRecord(provider, rest, place, quota=reference.quota, rpm=reference.rpm, tpm=reference.tpm)
    if record.stored:
        return record
    masked = mask(environ.get(rest, "")) if place is KeyLocation.ENVIRONMENT else "****"
    return replace(record, label=reference.label or reference.ref, where=rest, masked=masked)


def _of_variable(provider: str, variable: str, environ: Mapping[str, str]) -> KeyRecord:
    value = environ[variable].strip()
    return KeyRecord(provider, f"env:{variable}", KeyLocation.ENVIRONMENT, where=variable, masked=mask(value))


def _joined(listed: KeyRecord, known: KeyRecord) -> KeyRecord:
    """What is in the settings, with what the index knows besides."""
    return replace(
        listed,
        place=known.place if known.stored else listed.place,
        masked=known.masked if known.stored else listed.masked,
        quota=known.quota or listed.quota,
        rpm=known.rpm or listed.rpm,
        tpm=known.tpm or listed.tpm,
        notes=known.notes,
        enabled=known.enabled,
        added_at=known.added_at,
    )
