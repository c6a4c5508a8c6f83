"""File formats of labels and predictions: uid TIFF, PNG, COCO, Cityscapes; merging saved ones."""
