/** Names of operators as torch's own schemas write them. */

/**
 * `torch.ops.aten.add.Tensor` is `aten::add.Tensor`, `torch.ops.aten.relu.default` is `aten::relu`,
 * `torch.ops.higher_order.cond` is `higher_order::cond`, `_operator.add` is `_operator::add`.
 */
export function operatorName(target: string): string {
  const registered = /^torch\.ops\.([^.]+)\.([^.]+)(?:\.(.+))?$/.exec(target);
  if (registered) {
    const [, namespace, op, overload] = registered;
    return `${namespace}::${op}${overload === undefined || overload === 'default' ? '' : `.${overload}`}`;
  }
  const dot = target.lastIndexOf('.');
  return dot < 0 ? target : `${target.slice(0, dot)}::${target.slice(dot + 1)}`;
}
