/** A PyTorch program to an ONNX model. */
import type { GuardsOption, NaNOption } from '../choices.ts';
import { fail } from '../errors.ts';
import { type Condition, conditionText } from '../tensor/condition.ts';
import { type Dim, symbol, symbolName, symbolsOf } from '../tensor/dim.ts';
import { type Dtype, DTYPES, isComplex } from '../tensor/dtype.ts';
import type { TensorData } from '../tensor/data.ts';
import { type TensorType, tensorType } from '../tensor/type.ts';
import type { Builder } from '../onnx/builder.ts';
import { Graph, type Model, type Value } from '../onnx/ir.ts';
import { DEFAULT_OPSET, irVersionOf, NEWEST_OPSET, OLDEST_OPSET } from '../onnx/opset.ts';
import { type DeclinedNode, PassLog, type PassResult } from '../onnx/pass.ts';
import { passOf, type Stage, STAGES } from '../onnx/passes/index.ts';
import { functionalize } from '../torch/functionalize.ts';
import type { Argument, ProgramInput, ProgramOutput, TorchGraph, TorchProgram } from '../torch/program.ts';
import { liveGraph } from './live.ts';
import { initializers } from './initializers.ts';
import { beginLowering, type Lowering } from './lower.ts';
import { type InterfaceName, interfaceNames, NAMES, type ProgramName } from './interface-names.ts';
import { type DynamicAxes, symbolNames } from './names.ts';
import { allNodes, unsupportedUses } from './survey.ts';
import { RecordedSizes } from './recorded-sizes.ts';
import { representedType } from './records.ts';
import { declaredConditions, requireConditions } from './size-checks.ts';
import { validSizes } from './valid-sizes.ts';
import { mapRegions } from './structural/vmap.ts';

/** Key of the model's metadata that lists conditions on input sizes, as JSON. */
export const VALID_FOR = 'torchferry.valid_for';

/** Names as in INC's Torch2ONNXConfig. */
export interface ConvertOptions {
  readonly opset_version?: number;
  readonly input_names?: readonly string[] | null;
  readonly output_names?: readonly string[] | null;
  readonly dynamic_axes?: DynamicAxes | null;
  /**
   * What becomes of the conditions on input sizes that PyTorch traced the program under: said in the report and the
   * model's metadata, or also checked by the model whenever it runs.
   */
  readonly guards?: GuardsOption;
  /** Whether operators whose kernels lose NaN are written in longer forms that carry it as PyTorch does. */
  readonly nan?: NaNOption;
  /** Leave every weight as it lies in the file, so that it can be linked. */
  readonly keepWeights?: boolean;
  /** The passes; for measuring what some of them do. */
  readonly stages?: readonly Stage[];
}

export interface ConvertedModel {
  readonly model: Model;
  readonly torchNodes: number;
  readonly passes: readonly PassResult[];
  /** Nodes that a rule left as they are for a reason worth telling. */
  readonly declined: readonly DeclinedNode[];
  /** Conditions on input sizes that the model is valid for: `batch % 2 == 0`. */
  readonly validFor: readonly string[];
  /** Operators that may give something else than PyTorch where an input holds NaN. */
  readonly losesNaN: readonly string[];
  /** What inputs and outputs are called, and since whom; parallel to those of the graph. */
  readonly names: { readonly inputs: readonly InterfaceName[]; readonly outputs: readonly InterfaceName[] };
  readonly warnings: readonly string[];
}

export function convertProgram(program: TorchProgram, options: ConvertOptions = {}): ConvertedModel {
  const opset = options.opset_version ?? DEFAULT_OPSET;
  if (!Number.isInteger(opset) || opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
    fail('BadOption', {
      option: 'opset_version',
      value: String(opset),
      expected: `a whole number from ${OLDEST_OPSET} to ${NEWEST_OPSET}`,
    });
  }
  const warnings = [...program.warnings];
  const functional = functionalize(program);
  const userOutputs = functional.program.outputs.flatMap((o) => (o.kind === 'user' ? [o.value] : []));
  const pure: TorchProgram = {
    ...functional.program,
    graph: liveGraph(mapRegions(functional.program.graph), userOutputs),
    sampleInputs: (tell) => program.sampleInputs(tell),
  };
  const operators = unsupportedUses(pure.graph);
  if (operators.length) fail('UnsupportedOperator', { operators });
  for (const mutation of functional.mutations) {
    warnings.push(
      `the program changes ${mutation.kind} "${mutation.target}" in place; ONNX has no state, so the new ` +
        'value is not kept',
    );
  }
  const { graph, names, conditions, losesNaN } = lowerProgram(pure, {
    opset,
    options,
    warn: (m) => warnings.push(m),
  });
  const validFor = conditions.map(conditionText);
  warnings.push(...unreadGuards(program.guards.unread));
  const model: Model = {
    graph,
    opsets: new Map([['', opset]]),
    irVersion: irVersionOf(opset),
    producerName: 'torchferry',
    producerVersion: '',
    metadata: metadataOf(validFor, names),
  };
  const log = new PassLog();
  passOf(options.stages ?? STAGES, { keepWeights: options.keepWeights ?? false }).run(model, log);
  return {
    model,
    torchNodes: [...allNodes(program.graph)].length,
    passes: log.results,
    declined: log.left,
    validFor,
    losesNaN,
    names,
    warnings: [...new Set([...warnings, ...log.warnings])],
  };
}

function metadataOf(validFor: readonly string[], { inputs, outputs }: ConvertedModel['names']): Map<string, string> {
  const aliases = (all: readonly InterfaceName[]): Record<string, readonly string[]> =>
    Object.fromEntries(all.flatMap(({ name, aliases: other }) => (other.length ? [[name, other]] : [])));
  const other = { inputs: aliases(inputs), outputs: aliases(outputs) };
  const hasOther = Object.values(other).some((side) => Object.keys(side).length > 0);
  return new Map([
    ...(validFor.length ? [[VALID_FOR, JSON.stringify(validFor)] as const] : []),
    ...(hasOther ? [[NAMES, JSON.stringify(other)] as const] : []),
  ]);
}

/** One sentence for all: programs may have many. */
function unreadGuards(unread: readonly string[]): string[] {
  if (unread.length === 0) return [];
  const shown = unread.slice(0, UNREAD_SHOWN).map((text) => text.slice(0, 200));
  const rest = unread.length > shown.length ? ` and ${unread.length - shown.length} more` : '';
  return [
    `PyTorch traced the program under conditions that cannot be read; where they do not hold, the model may compute ` +
      `something else: ${shown.join('; ')}${rest}`,
  ];
}
const UNREAD_SHOWN = 5;

interface UserValue extends ProgramName {
  readonly argument: Argument;
}

interface LowerRequest {
  readonly opset: number;
  readonly options: ConvertOptions;
  readonly warn: (message: string) => void;
}

interface LoweredProgram {
  readonly graph: Graph;
  readonly names: ConvertedModel['names'];
  readonly conditions: readonly Condition[];
  readonly losesNaN: readonly string[];
}

function lowerProgram(program: TorchProgram, { opset, options, warn }: LowerRequest): LoweredProgram {
  const graph = new Graph('main');
  const inputs = program.inputs.filter(
    (i): i is Extract<ProgramInput, { kind: 'user' }> =>
      i.kind === 'user' && (i.value.kind === 'tensor' || i.value.kind === 'symint'),
  );
  const outputs = program.outputs
    .filter((o): o is Extract<ProgramOutput, { kind: 'user' }> => o.kind === 'user' && o.value.kind !== 'none')
    .map((o, i) => userOutput(o, i, warn))
    .filter((o) => o !== null);
  const inputNames = interfaceNames('input_names', {
    chosen: options.input_names ?? null,
    given: inputs.map(({ name, label }) => ({ label: label ?? null, graph: name })),
    taken: [],
  });
  const outputNames = interfaceNames('output_names', {
    chosen: options.output_names ?? null,
    given: outputs.map(({ label, graph: called }) => ({ label, graph: called })),
    taken: inputNames.map(({ name }) => name),
  });
  const shapeOf = (argument: Argument): readonly Dim[] | null => {
    const isUnrecorded = argument.kind === 'tensor' && !program.graph.values.has(argument.name);
    return isUnrecorded ? null : argument.kind === 'tensor' ? dimsOf(program.graph, argument) : [];
  };
  const renamed = symbolNames(program, {
    inputs: inputs.map(({ value }, i) => ({
      ...inputNames[i]!,
      shape: shapeOf(value),
      ...(value.kind === 'symint' ? { number: dimsOf(program.graph, value)[0] } : {}),
    })),
    outputs: outputs.map((output, i) => ({ ...outputNames[i]!, shape: shapeOf(output.argument) })),
    dynamicAxes: options.dynamic_axes ?? {},
    warn,
  });
  const own = new Set<string>();
  for (const { value } of inputs) for (const dim of dimsOf(program.graph, value)) symbolsOf(dim, own);
  const ranges = new Map([...program.symbols].filter(([name]) => own.has(name)));
  const valid = validSizes({ guards: program.guards, ranges, renamed });
  const sizes = new RecordedSizes({ renamed, facts: valid.facts, example: exampleSizes(program, renamed) });
  const losing = new Set<string>();
  const carriesNaN = (operator: string): boolean => options.nan === 'exact' || !losing.add(operator);
  const lowering = beginLowering(program.graph, { graph, opset }, { sizes, warn, carriesNaN });
  bindInputs(lowering, graph, { inputs, names: inputNames.map(({ name }) => name) });
  bindWeights(lowering, program);
  lowering.run();
  const checked = [
    ...(options.guards === 'check' ? [...declaredConditions(lowering.op, graph.inputs), ...valid.conditions] : []),
    // What the conversion itself took on trust is checked always.
    ...sizes.assumed,
  ];
  outputs.forEach(({ argument }, i) => addOutput(lowering, graph, { argument, name: outputNames[i]!.name }));
  if (checked.length) checkOutput(lowering.op, graph, checked, warn);
  const names = { inputs: inputNames, outputs: outputNames };
  return { graph, names, conditions: [...valid.conditions, ...sizes.assumed], losesNaN: [...losing].sort() };
}

/** The shape of a tensor, or the one number of an integer. */
function dimsOf({ values }: TorchGraph, argument: Argument): readonly Dim[] {
  const recorded = 'name' in argument ? values.get(argument.name) : undefined;
  if (recorded?.kind === 'symint') return [recorded.dim];
  return recorded?.kind === 'tensor' ? recorded.type.shape : [];
}

/** Sizes of the run that PyTorch recorded. */
function exampleSizes({ symbols }: TorchProgram, renamed: ReadonlyMap<string, Dim>): Map<string, number> {
  return new Map(
    [...symbols].flatMap(([raw, { hint }]) => {
      const name = symbolName(renamed.get(raw) ?? symbol(raw));
      return hint === null || name === null ? [] : [[name, hint] as const];
    }),
  );
}

function userOutput(
  { value: argument, label = null }: Extract<ProgramOutput, { kind: 'user' }>,
  index: number,
  warn: (m: string) => void,
): UserValue | null {
  if (argument.kind === 'string' || argument.kind === 'object') {
    warn(`output ${index} is no tensor (${argument.kind}); it is left out`);
    return null;
  }
  return { argument, label, graph: 'name' in argument ? argument.name : `output_${index}` };
}

/** One output is enough: every node of a model runs, whichever outputs are asked for. */
function checkOutput(op: Builder, graph: Graph, conditions: readonly Condition[], warn: (m: string) => void): void {
  const at = graph.outputs.findIndex(({ type }) => type !== null);
  const output = graph.outputs[at];
  if (!output) return warn('the model has no tensor among its outputs, so its conditions on sizes are not checked');
  op.origin = null;
  const checked = requireConditions(op, output, conditions);
  checked.name = output.name;
  output.name = op.freshName(output.name);
  graph.outputs[at] = checked;
}

function bindInputs(
  lowering: Lowering,
  graph: Graph,
  {
    inputs,
    names,
  }: { readonly inputs: readonly Extract<ProgramInput, { kind: 'user' }>[]; readonly names: readonly string[] },
): void {
  inputs.forEach(({ value: argument }, i) => {
    if (argument.kind === 'tensor') {
      const type = inputType(lowering, argument.name, names[i]!);
      requireOnnxType(type.dtype, `input "${names[i]}"`);
      const value = graph.addInput(names[i]!, type);
      lowering.scope.bind(argument.name, value);
      lowering.op.dimValues.bindShape(value);
    } else if (argument.kind === 'symint') {
      const value = graph.addInput(names[i]!, tensorType('int64', []));
      const dim = lowering.scope.dim(argument.name);
      if (typeof dim !== 'number') lowering.op.dimValues.bindScalar(dim.text, value);
    }
  });
}

const inputType = (lowering: Lowering, name: string, called: string): TensorType =>
  lowering.scope.records.typeOf(name) ??
  fail('CorruptModel', { file: 'graph', where: `input "${called}"`, reason: 'the file records no type for it' });

function requireOnnxType(dtype: Dtype, what: string): void {
  if (DTYPES[dtype].kind === 'string') fail('UnsupportedType', { what, dtype, hint: 'give tensors of numbers' });
}

function bindWeights(lowering: Lowering, program: TorchProgram): void {
  const initializer = initializers(lowering.op);
  program.inputs.forEach((input, i) => {
    if (!('key' in input)) return;
    const argument = program.graph.inputs[i];
    const data = program.weights.get(input.key);
    if (argument?.kind !== 'tensor' || !data)
      fail('CorruptModel', {
        file: program.name,
        where: `input ${input.name}`,
        reason: `weight "${input.key}" is not in the file`,
      });
    lowering.scope.bind(argument.name, initializer(input.key, asReal(data)));
  });
}

/** Complex numbers are stored as (real, imaginary): the same bytes, one axis more. */
function asReal(data: TensorData): TensorData {
  if (!isComplex(data.dtype)) return data;
  const { dtype, shape } = representedType(tensorType(data.dtype, data.shape));
  return { ...data, dtype, shape: shape as number[] };
}

/** A graph output is computed by a node of its own name: inputs, weights and repeated outputs pass through Identity. */
function addOutput(
  lowering: Lowering,
  graph: Graph,
  { argument, name }: { readonly argument: Argument; readonly name: string },
): void {
  const value = lowering.value(argument);
  const output: Value =
    value.producer?.graph === graph && !graph.isOutput(value) ? value : lowering.op.Identity([value]);
  output.name = name;
  graph.outputs.push(output);
}
