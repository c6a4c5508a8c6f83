r"""Cityscapes Panoptic Parts, full resolution: the paper's main result (Table 2).

PartPQ of the paper: 59.6; ours: not measured yet.

jppf train --config=configs/cpp.py --workdir=runs/cpp --config.data.manual_dir=DIR \
  --config.model.pretrained=b5.safetensors

The encoder starts from ImageNet weights: the file `tf_efficientnet_b5` of timm, converted by
`jppf import-weights --from=timm --variant=b5 FILE --out=b5.safetensors`. The paper trains on four
large GPUs.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  config = ml_collections.ConfigDict()
  config.seed = 0
  config.parallel = "pmap"  # or "shard_map": the same numbers
  config.data = dict(
    name="cityscapes_panoptic_parts",
    data_dir="data_sets",  # folder of the built records
    manual_dir="",  # the unpacked official folders; needed once, to build the records
    labels="",  # what ids mean: "" for the dataset's own (cpp_grouped), or a name or a YAML file
    train_split="train",
    eval_split="validation",
    train_size=(1024, 2048),  # crop, rows x columns (Sec. 4)
    eval_size=(1024, 2048),
    scale=(0.5, 2.0),  # EfficientPS: relative to train_size
    flip=True,
    batch_size=8,  # all devices together
    max_objects=100,
    min_area=16,  # visible pixels; smaller objects are ignored
    pad_uid=0,  # label of padding: void; EfficientPS labels it 7, road
    require_object=False,  # sample views until one has an object; EfficientPS: another image
    color_jitter=0.0,  # up to 1: how much brightness, contrast, saturation and hue change at random
    beside=0.0,  # probability that a view shows two or three images next to each other
    cache=False,  # keep decoded examples in memory
    workers=0,  # processes that read; 0: threads only
  )
  config.model = dict(
    heads=("semantic", "part", "instance"),  # or some of them
    encoder="b5",
    width=1.0,  # multiplies the variant's own width
    depth=1.0,
    fpn_channels=256,
    head_channels=128,
    box_hidden=1024,
    mask_channels=256,
    anchor_scale=8.0,  # anchor side in cells of its level
    anchor_ratios=(0.5, 1.0, 2.0),  # height / width
    finest_scale=56.0,  # RoIAlign: boxes up to twice this side use the finest level
    train_proposals=2000,
    eval_proposals=1000,
    legacy=True,  # EfficientPS's rounding of anchors, clipping, RoIAlign and pasting of masks
    dtype="float32",  # or "bfloat16"
    remat=False,  # training: less memory for a second forward pass
    # weights to start from: a file, "demo", or "lite0" to "lite2" from their installed packages
    pretrained="",
    pretrained_modules=(  # what is taken of these weights
      *("encoder", "fpn", "semantic_head", "part_head", "rpn_head", "box_head", "mask_head"),
    ),
    pretrained_outputs=True,  # also the last layers, as wide as the number of classes or parts
    imagenet="tf_efficientnet_b5",  # what the paper starts from; asked for if there is none
    pixel_mean=(106.433, 116.617, 119.559),  # of Cityscapes, RGB (EfficientPS)
    pixel_std=(65.496, 67.6, 74.123),
  )
  # per image; at most a half of the anchors and a quarter of the regions are positive
  config.sampling = dict(anchors=256, regions=256)
  # average precision counts weak detections too; a fusion takes those above its own
  # score_threshold, 0.5
  config.detection = dict(
    proposal_nms=0.7,  # overlap above which the RPN drops the lower score
    score_threshold=0.05,
    nms_threshold=0.5,
    max_detections=100,
  )
  config.fusion = dict(min_stuff_area=2048)  # and any other field of `FusionConfig`
  # what the network sees of an image; scales of eval_size (EfficientPS: 0.75, 1, ..., 2, and flip)
  config.testing = dict(scales=(1.0,), flip=False)
  config.losses = dict(  # factors
    semantic=1.0,
    part=1.0,
    rpn_objectness=1.0,
    rpn_box=1.0,
    box_class=1.0,
    box_deltas=1.0,
    mask=1.0,
  )
  config.optimizer = dict(name="sgd", momentum=0.9, weight_decay=1e-4, clip_norm=35.0)
  config.phases = dict(
    # drops: milestones, at which the learning rate is divided by 10
    main=dict(steps=50_000, learning_rate=0.07, warmup=200, drops=(32_000, 44_000)),
    # frozen norms; 0 steps: no such phase
    frozen=dict(steps=epochs(10, images=2_975, config=config), learning_rate=1e-4),
  )
  # as EfficientPS; "paper_text": frozen norms first, as the paper's text says
  config.phase_order = "main_then_frozen"
  config.train = dict(
    log_every=50,
    checkpoint_every=1000,
    keep=3,  # checkpoints
    weights_dtype="float32",
    accumulate=1,  # parts of a device's images that are differentiated one after the other
    ema_decay=0.0,  # of a moving average of the weights, which is stored too; 0: none
    evaluate_every=0,  # steps between two evaluations, the best weights are kept; 0: none
    evaluate_images=0,  # of eval_split, from the first; 0: all
    patience=0,  # evaluations without a better score that end the run; 0: none do
    wandb_project="",  # of Weights & Biases, where metrics and pictures go too; "": nowhere
  )
  return config.lock()


def epochs(
  count: int, *, images: int, config: ml_collections.ConfigDict
) -> ml_collections.FieldReference:
  """Returns how many steps some epochs are, whatever the batch size; the last batch is short."""
  batch_size = config.data.get_ref("batch_size")
  return (batch_size + (images - 1)) // batch_size * count
