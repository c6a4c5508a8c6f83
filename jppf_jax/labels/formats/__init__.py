"""File formats of labels and predictions: ours, COCO, Cityscapes, LabelMe, VOC; merging of them."""
