from rung.web.flow import RungFlow, flow_picture


def test_thickness_is_linear_in_people_and_never_below_two_pixels():
    picture = flow_picture([RungFlow("suspect", 1000, 400, 0), RungFlow("lead", 400, 1, 10)], (1, 2))
    bars = [shape for shape in picture.shapes if shape.kind == "bar"]
    heights = [float(shape.path.split("v")[1].split("h")[0]) for shape in bars]
    assert heights[0] == 154.0
    assert round(heights[1], 2) == round(2 + 389 * 0.154 + 2, 2)
    assert picture.most == 1000


def test_nobody_makes_an_empty_picture():
    picture = flow_picture([RungFlow("suspect", 0, 0, 0), RungFlow("lead", 0, 0, 0)], (1, 2))
    assert picture.shapes == ()
    assert (picture.scale_people, picture.scale_height) == (1, 0.0)


def test_the_scale_is_a_round_number_of_people():
    picture = flow_picture([RungFlow("suspect", 640, 486, 46)], (1,))
    assert picture.scale_people == 100
    assert round(picture.scale_height, 3) == round(100 * 154 / 640, 3)
