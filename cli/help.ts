/** Help texts, made from the table of commands. */
import type { Command } from './command.ts';
import type { NamedCommand } from './commands.ts';

export function generalHelp(commands: Readonly<Record<string, NamedCommand>>): string {
  const width = Math.max(...Object.keys(commands).map((n) => n.length));
  const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'torchferry: PyTorch models to validated ONNX, FP32 and INT8, without Python',
    '',
    'Usage: torchferry <command> [options]',
    '',
    ...rows,
    '',
    '"torchferry <command> --help" shows the options of a command.',
  ].join('\n');
}

export function commandHelp(name: string, { summary, ...command }: Command & Pick<NamedCommand, 'summary'>): string {
  const labels = Object.entries(command.options).map(
    ([option, { short, value, describe }]) =>
      [`${short ? `-${short}, ` : '    '}--${option}${value ? ` ${value}` : ''}`, describe] as const,
  );
  const width = Math.max(0, ...labels.map(([label]) => label.length));
  return [
    `torchferry ${name}: ${summary}`,
    '',
    `Usage: ${command.usage}`,
    '',
    ...labels.map(([label, describe]) => `  ${label.padEnd(width)}  ${describe}`),
  ].join('\n');
}
