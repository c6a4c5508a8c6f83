"""The files that labels and predictions come in: uid TIFFs and PNGs, COCO, Cityscapes; and how saved ones are merged."""
