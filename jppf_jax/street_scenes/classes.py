"""The numbers of classes and parts in label files, as Cityscapes Panoptic Parts defines them."""

# Scene ids of void classes, which no metric evaluates.
EGO_VEHICLE = 1
OUT_OF_ROI = 3
STATIC = 4
DYNAMIC = 5
CARAVAN = 29

# Scene ids of stuff classes.
ROAD = 7
SIDEWALK = 8
BUILDING = 11
WALL = 12
FENCE = 13
POLE = 17
TRAFFIC_LIGHT = 19
TRAFFIC_SIGN = 20
VEGETATION = 21
TERRAIN = 22
SKY = 23

# Scene ids of thing classes.
PERSON = 24
RIDER = 25
CAR = 26
TRUCK = 27
BUS = 28
TRAIN = 31
MOTORCYCLE = 32
BICYCLE = 33

PARTITIONABLE = (PERSON, RIDER, CAR, TRUCK, BUS)  # the classes with parts

# Part ids.
NO_PART = 0
TORSO, HEAD, ARM, LEG = 1, 2, 3, 4  # of persons and riders
WINDOW, WHEEL, LAMP, PLATE, CHASSIS = 1, 2, 3, 4, 5  # of cars, trucks and buses
