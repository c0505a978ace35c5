"""What a drawn scene says is drawn where, and drawn scenes as tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scene_recog.datasets.sketch15 import (
    BOXED,
    CLASSES,
    KINDS,
    AnnotatedScene,
    draw_annotated_scene,
    draw_scene,
)
from scene_recog.datasets.sketch15 import picture as drawing
from scene_recog.datasets.sketch15.buildings import draw_car, draw_front
from scene_recog.datasets.sketch15.canvas import CANVAS, Sketch, depicts, flat_face
from scene_recog.datasets.sketch15.elements import draw_ground, draw_person, draw_sky, draw_water
from scene_recog.loading.annotated_sketches import draw_sketches

OUTDOORS = {"sky", "ground", "water", "mountain", "plant", "building", "road"}
INDOORS = {"wall", "floor", "furniture"}


def scene(name: str, number: int = 0) -> AnnotatedScene:
    return draw_annotated_scene(name, np.random.default_rng([31, number]))


def kinds_on(s: Sketch) -> np.ndarray:
    """The kind of each pixel of the canvas, as text."""
    return np.array(s.kinds)[np.asarray(s.objects)]


# The canvas


def test_a_new_canvas_is_other() -> None:
    assert set(kinds_on(Sketch(np.random.default_rng(0))).ravel()) == {"other"}


def test_labels_are_where_the_ink_is() -> None:
    s = Sketch(np.random.default_rng(0))
    s.box(0, 0, 1, 1, 0)
    with s.depicting("plant"):
        s.oval(0.3, 0.3, 0.2, 0.1, 1)
        s.line([(0.1, 0.9), (0.9, 0.6)], 1, 0.02)
        s.polygon([(0.6, 0.1), (0.9, 0.2), (0.7, 0.4)], 1)
    assert ((kinds_on(s) == "plant") == (np.asarray(s.image) == 255)).all()


def test_inner_labels_win_and_end() -> None:
    s = Sketch(np.random.default_rng(0))
    with s.depicting("building"):
        s.box(0, 0, 0.3, 1, 1)
        with s.depicting("plant"):
            s.box(0.3, 0, 0.6, 1, 1)
        s.box(0.7, 0, 1, 1, 1)
    row = kinds_on(s)[CANVAS // 2]
    assert [row[int(x * CANVAS)] for x in (0.1, 0.5, 0.65, 0.9)] == [
        "building", "plant", "other", "building",
    ]  # fmt: skip


def test_every_call_of_a_decorated_function_is_an_object() -> None:
    @depicts("car")
    def draw_spot(s: Sketch, x: float) -> float:
        s.oval(x, 0.5, 0.1, 0.1, 1)
        return x

    s = Sketch(np.random.default_rng(0))
    assert (draw_spot(s, 0.2), draw_spot(s, x=0.8)) == (0.2, 0.8)
    assert s.kinds == ["other", "car", "car"]
    assert draw_spot.__name__ == "draw_spot"


def test_sky_ground_and_water() -> None:
    s = Sketch(np.random.default_rng(0))
    draw_sky(s)
    assert set(kinds_on(s).ravel()) == {"sky"}
    draw_ground(s, 0.5, 0.4, 0.1)
    assert set(kinds_on(s)[: CANVAS // 2].ravel()) == {"sky"}
    assert set(kinds_on(s)[CANVAS // 2 + 5 :].ravel()) == {"ground"}
    draw_water(s, 0.75, 0.4, 20)
    assert set(kinds_on(s)[int(CANVAS * 0.75) + 5 :].ravel()) == {"water"}


def test_a_car_in_front_of_a_house() -> None:
    s = Sketch(np.random.default_rng(0))
    draw_front(s, flat_face(0, 0, 1, 0.9), 4, 3, shop=True)
    draw_car(s, 0.5, 0.8, 0.2)
    kinds = kinds_on(s)
    assert kinds[int(0.7 * CANVAS), CANVAS // 2] == "car"
    assert kinds[10, CANVAS // 2] == "building"
    assert kinds[CANVAS - 2, 5] == "other"


def test_the_camera_moves_labels_as_it_moves_ink() -> None:
    for number in range(20):
        s = Sketch(np.random.default_rng([1, number]))
        s.box(0, 0, 1, 1, 0)
        with s.depicting("person"):
            s.box(0.3, 0.3, 0.7, 0.6, 1)
        drawing._look(s, 256, 220)
        different = (kinds_on(s) == "person") != (np.asarray(s.image) > 127)
        assert different.mean() < 0.005  # at the edges


# Scenes


@pytest.mark.parametrize("name", CLASSES)
def test_picture_is_that_of_draw_scene(name: str) -> None:
    for number in range(2):
        drawn = draw_scene(name, np.random.default_rng([31, number]))
        assert scene(name, number).image.tobytes() == drawn.tobytes()


@pytest.mark.parametrize("name", CLASSES)
def test_labels_have_the_size_of_the_picture_and_most_pixels_are_something(name: str) -> None:
    other = 0.0
    for number in range(8):
        image, labels, _ = scene(name, number)
        assert labels.shape == image.size[::-1]
        assert labels.dtype == np.uint8
        assert labels.max() < len(KINDS)
        other += (labels == KINDS.index("other")).mean() / 8
    assert other < 0.2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("coast", "sky water"),
        ("forest", "plant"),
        ("mountain", "sky mountain"),
        ("opencountry", "sky ground plant"),
        ("highway", "sky road"),
        ("street", "road building car"),
        ("insidecity", "road building person"),
        ("suburb", "sky building ground"),
        ("tallbuilding", "sky building"),
        ("industrial", "sky building"),
        *((room, "wall floor furniture") for room in ("bedroom", "kitchen", "office", "store")),
    ],
)
def test_scenes_have_their_kinds(name: str, expected: str) -> None:
    seen = {KINDS[k] for number in range(8) for k in np.unique(scene(name, number).labels)}
    assert set(expected.split()) <= seen
    assert not seen & (INDOORS if "sky" in seen else OUTDOORS - {"plant"})


def test_the_top_of_an_open_landscape_is_sky() -> None:
    tops = [scene("opencountry", number).labels[5] for number in range(10)]
    assert np.mean(np.stack([np.mean(row == KINDS.index("sky")) for row in tops])) > 0.8


@pytest.mark.parametrize("name", ["street", "highway", "insidecity"])
def test_boxes_enclose_what_is_seen_of_cars_and_people(name: str) -> None:
    found = 0
    for number in range(12):
        image, labels, boxes = scene(name, number)
        covered = np.zeros(labels.shape, dtype=bool)
        for kind, left, top, right, bottom in boxes:
            assert kind in BOXED
            assert 0 <= left < right <= image.size[0]
            assert 0 <= top < bottom <= image.size[1]
            inside = labels[top:bottom, left:right] == KINDS.index(kind)
            # it touches all four sides
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
            covered[top:bottom, left:right] = True
            found += 1
        objects = np.isin(labels, [KINDS.index(kind) for kind in BOXED])
        assert not (objects & ~covered).any()
    assert found > 10


def test_objects_that_touch_have_a_box_each() -> None:
    s = Sketch(np.random.default_rng(0))
    for x in (0.4, 0.45):
        draw_person(s, x, 0.9, 0.5)
    assert s.kinds.count("person") == 2
    assert len(np.unique(np.asarray(s.objects))) == 3


def test_unknown_class_is_named() -> None:
    with pytest.raises(ValueError, match="unknown class 'beach'"):
        draw_annotated_scene("beach", np.random.default_rng(0))


# Tensors


def test_shapes_and_ranges() -> None:
    scenes = draw_sketches(4, 48, class_names=("street", "coast"))
    assert scenes.images.shape == (4, 1, 48, 48)
    assert scenes.images.dtype == torch.float32
    assert 0 <= float(scenes.images.min()) < float(scenes.images.max()) <= 1
    assert scenes.labels.shape == (4, 48, 48)
    assert scenes.labels.dtype == torch.int64
    assert len(scenes.boxes) == len(scenes.kinds) == 4
    for boxes, kinds in zip(scenes.boxes, scenes.kinds, strict=True):
        assert boxes.shape == (len(kinds), 4)
        assert boxes.dtype == torch.float32
        assert kinds.dtype == torch.int64
        assert ((boxes >= 0) & (boxes <= 48)).all()


def test_boxes_shrink_with_the_image() -> None:
    large, small = (draw_sketches(6, side, class_names=("street",)) for side in (96, 48))
    for one, other in zip(large.boxes, small.boxes, strict=True):
        torch.testing.assert_close(one / 2, other)


def test_more_scenes_change_none_and_parts_share_none() -> None:
    few, many = draw_sketches(2, 16, seed=3), draw_sketches(4, 16, seed=3)
    assert torch.equal(few.images, many.images[:2])
    others = [draw_sketches(2, 16, seed=3, part="test"), draw_sketches(2, 16, seed=4)]
    for other in others:
        assert not any(torch.equal(a, b) for a, b in zip(few.images, other.images, strict=True))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"part": "exam"}, "part is 'exam': it must be one of train, validation, test"),
        ({"count": 0}, "count is 0"),
        ({"side": 0}, "side is 0"),
        ({"class_names": ("beach",)}, "unknown class 'beach'"),
    ],
)
def test_bad_arguments_are_named(bad: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_sketches(**{"count": 1, "side": 8, **bad})  # type: ignore[arg-type]
