"""Names of sounds for files that have one entry for each sound."""

from collections import Counter
from collections.abc import Iterable, Sequence

from specfeat.sound import SoundKey, SoundPart


def name_part(part: SoundPart) -> str:
    """Return the id of a part of a file, or its times, and its channel; "" for a whole file."""
    name = part.id or ""
    if part.id is None and (part.start_s is not None or part.end_s is not None):
        name = f"{part.start_s or 0:g}-{'end' if part.end_s is None else format(part.end_s, 'g')}"
    if part.channel is not None:
        name = f"{name or 'channel'}-{part.channel}"
    return name


def list_utterance_ids(keys: Sequence[SoundKey]) -> list[str]:
    """Return a different name without white space for each sound, as Kaldi's files need it.

    If every sound has an id and all ids are different, the names are the ids. Otherwise a name is the path as
    the index has it, and for a part of a file also its id or its times. White space, `%` and bytes that are
    not UTF-8 are written as in URLs: `a%20b.wav`.

    Args:
        keys: the sounds.
    """
    ids = [key.part.id or "" for key in keys]
    has_ids = all(ids) and len({*ids}) == len(ids)
    names = ids if has_ids else [_name_sound(key) for key in keys]
    return [*_number_equal_names(map(_encode_name, names))]


def _name_sound(key: SoundKey) -> str:
    part = name_part(key.part)
    return f"{key.name}~{part}" if part else key.name


def _encode_name(name: str) -> str:
    if name.isascii() and name.isprintable() and not {" ", "%"} & {*name}:
        return name  # the common case, which is much faster
    return "".join(map(_encode_character, name))


def _encode_character(character: str) -> str:
    if character.isprintable() and not character.isspace() and character != "%":
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


def _number_equal_names(names: Iterable[str]) -> Iterable[str]:
    taken_names: set[str] = set()
    counts: Counter[str] = Counter()
    for name in names:
        new_name = name
        while new_name in taken_names:
            counts[name] += 1
            new_name = f"{name}~{counts[name] + 1}"
        taken_names.add(new_name)
        yield new_name
