import { DockerfileParser, type Instruction, type ModifiableInstruction } from 'dockerfile-ast';

export interface Step {
  readonly keyword: string;
  /** The arguments of the instruction without its flags. */
  readonly text: string;
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
  /** The words of the exec form; undefined for the form that a shell runs. */
  readonly exec: readonly string[] | undefined;
}

export interface Stage {
  readonly name: string | undefined;
  readonly base: string;
  readonly steps: readonly Step[];
}

/** Reads the stages of a Dockerfile. The last one is the image. */
export function stagesOf(dockerfile: string): Stage[] {
  const stages: { name: string | undefined; base: string; steps: Step[] }[] = [];
  for (const instruction of DockerfileParser.parse(dockerfile).getInstructions()) {
    const step = stepOf(instruction);
    if (step.keyword === 'FROM') stages.push({ base: step.words[0] ?? '', name: step.words[2], steps: [] });
    else stages.at(-1)?.steps.push(step);
  }
  return stages;
}

export function stepOf(instruction: Instruction): Step {
  const text = instruction.getArgumentsContent() ?? '';
  const flags = 'getFlags' in instruction ? (instruction as ModifiableInstruction).getFlags() : [];
  return {
    keyword: instruction.getKeyword(),
    text,
    words: text.split(/\s+/).filter((word) => word !== ''),
    flags: Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? ''])),
    exec: execForm(text.replace(/^CMD\s+/, '')),
  };
}

export function lastOf(stage: Stage | undefined, keyword: string): Step | undefined {
  return stage?.steps.findLast((step) => step.keyword === keyword);
}

function execForm(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    return JSON.parse(text) as string[];
  } catch {
    return undefined;
  }
}
