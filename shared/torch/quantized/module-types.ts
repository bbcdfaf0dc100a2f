/** Classes of torch.nn as Neural Compressor lists them, and PyTorch's quantized operator for each. */
export const MODULE_OPERATORS = {
  Linear: 'linear',
  Conv1d: 'conv1d',
  Conv2d: 'conv2d',
  Conv3d: 'conv3d',
  ConvTranspose1d: 'conv_transpose1d',
  ConvTranspose2d: 'conv_transpose2d',
  ConvTranspose3d: 'conv_transpose3d',
  Embedding: 'embedding_byte',
  EmbeddingBag: 'embedding_bag_byte_rowwise_offsets',
  LayerNorm: 'layer_norm',
  GroupNorm: 'group_norm',
  InstanceNorm1d: 'instance_norm',
  InstanceNorm2d: 'instance_norm',
  InstanceNorm3d: 'instance_norm',
  BatchNorm1d: 'batch_norm1d',
  BatchNorm2d: 'batch_norm2d',
  BatchNorm3d: 'batch_norm3d',
  Hardswish: 'hardswish',
  LeakyReLU: 'leaky_relu',
  ELU: 'elu',
  PReLU: 'prelu',
  QuantStub: 'quantize_per_tensor',
} as const;
export type ModuleOperator = (typeof MODULE_OPERATORS)[keyof typeof MODULE_OPERATORS];

export const operatorOfType = (type: string | undefined): ModuleOperator | null =>
  type !== undefined && Object.hasOwn(MODULE_OPERATORS, type)
    ? MODULE_OPERATORS[type as keyof typeof MODULE_OPERATORS]
    : null;
