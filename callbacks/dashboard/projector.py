"""`Projector`: each character as a point, where the model has placed it."""

import io
import math
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw
from tensorboard.plugins.projector import ProjectorConfig

from lyric_lm.callbacks.dashboard.glyphs import chinese_font, label
from lyric_lm.data import Vocabulary

_METADATA, _SPRITE = "metadata.tsv", "sprite.png"
_GLYPH_SIZE = 24  # pixels; the picture of all glyphs may be at most 8192 wide and high


class Projector:
    """The files of TensorBoard's projector, in a run's folder.

    Args:
        folder: the folder of a run, which exists.
        vocabulary: what the points are.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._has_sprite = False
        self._vocabulary = vocabulary

    def write_labels(self) -> None:
        """Write what does not change: the labels, and the glyphs where a font has them."""
        (self._folder / _METADATA).write_text(metadata(self._vocabulary), encoding="utf-8", newline="\n")
        if (png := glyph_sprite(self._vocabulary)) is not None:
            (self._folder / _SPRITE).write_bytes(png)
            self._has_sprite = True

    def write_points(self, points: Any, *, epoch: int) -> None:
        """Write where the characters are now.

        Args:
            points: float32 `(V, D)`, a row a character.
            epoch: counted from 1.
        """
        # TensorBoard reads the points again only from a new checkpoint, and under a new name.
        checkpoint, name = f"characters-{epoch}", f"characters at epoch {epoch}"
        tf.raw_ops.SaveV2(
            prefix=str(self._folder / checkpoint),
            tensor_names=[name],
            shape_and_slices=[""],
            tensors=[tf.convert_to_tensor(points)],
        )
        config = ProjectorConfig()
        embedding = config.embeddings.add(tensor_name=name, metadata_path=_METADATA)
        if self._has_sprite:
            embedding.sprite.image_path = _SPRITE
            embedding.sprite.single_image_dim.extend([_GLYPH_SIZE, _GLYPH_SIZE])
        (self._folder / "projector_config.pbtxt").write_text(str(config), encoding="utf-8")
        (self._folder / "checkpoint").write_text(f'model_checkpoint_path: "{checkpoint}"\n', encoding="utf-8")
        for old in self._folder.glob("characters-*"):
            if old.stem != checkpoint:
                old.unlink()


def metadata(vocabulary: Vocabulary) -> str:
    """The labels as TensorBoard reads them: a head, then a line a character, columns parted by tabs."""
    rows = [("character", "kind", "code point")]
    rows += [(label(c), kind(c), f"U+{ord(c):04X}") for c in vocabulary.characters]
    if vocabulary.unknown_id is not None:
        rows.append(("<unk>", "unknown", ""))
    return "".join("\t".join(row) + "\n" for row in rows)


def kind(character: str) -> str:
    """What sort of character it is, for the projector's colours."""
    if unicodedata.name(character, "").startswith("CJK UNIFIED IDEOGRAPH"):
        return "Chinese"
    kinds = {"L": "letter", "N": "digit", "P": "punctuation", "S": "symbol", "Z": "space", "C": "control"}
    return kinds.get(unicodedata.category(character)[0], "other")


def glyph_sprite(vocabulary: Vocabulary) -> bytes | None:
    """All characters drawn in a grid, by rows, as PNG; None without a font or with too many of them."""
    font = chinese_font(_GLYPH_SIZE - 4)
    columns = math.ceil(math.sqrt(len(vocabulary)))
    if font is None or columns * _GLYPH_SIZE > 8192:
        return None
    alpha = Image.new("L", (columns * _GLYPH_SIZE, columns * _GLYPH_SIZE))
    draw = ImageDraw.Draw(alpha)
    for i, character in enumerate(vocabulary.characters):
        row, column = divmod(i, columns)
        middle = ((column + 0.5) * _GLYPH_SIZE, (row + 0.5) * _GLYPH_SIZE)
        draw.text(middle, label(character)[-4:], font=font, fill=255, anchor="mm")
    file = io.BytesIO()
    Image.merge("LA", (Image.new("L", alpha.size, 32), alpha)).save(file, "PNG", compress_level=1)
    return file.getvalue()


def character_vectors(model: Any) -> Any | None:
    """A vector for each character, float32 `(V, D)`: its embedding, or its row of the input kernel.

    None where the model has neither, say with a cell of the user's own.
    """
    table = getattr(model.rnns[0].cell, "kernel", None)
    if model.embedding is not None:
        table = model.embedding.embeddings
    if table is None or table.shape[0] != len(model.vocabulary):
        return None
    return np.asarray(table, np.float32)
