import { type ChildProcess, fork } from 'node:child_process'

/** What a process of the benchmark can be asked, by name: one input, one answer that survives a structured clone. */
export type Commands = Record<string, (input: never) => unknown>

export interface Child<C extends Commands> {
  readonly pid: number
  ask<K extends keyof C & string>(name: K, input: Parameters<C[K]>[0]): Promise<Awaited<ReturnType<C[K]>>>
  stop(): Promise<void>
}

interface Question {
  n: number
  name: string
  input: unknown
}
type Reply = { n: number; answer: unknown } | { n: number; error: string }

/** Starts a program of this folder that calls `obey`. It ends with this process, however that ends, or by `stop`. */
export function startChild<C extends Commands>(file: URL): Child<C> {
  const child: ChildProcess = fork(file, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let count = 0
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.n)
    waiting.delete(reply.n)
    if ('error' in reply) asked?.reject(new Error(reply.error))
    else asked?.resolve(reply.answer)
  })
  void gone.then(() => {
    for (const asked of waiting.values()) asked.reject(new Error(`${file.pathname} ended while it was asked something`))
  })
  return {
    pid: child.pid ?? 0,
    ask(name, input) {
      const asked = Promise.withResolvers<unknown>()
      const n = count++
      waiting.set(n, asked)
      child.send({ n, name, input } satisfies Question)
      return asked.promise as ReturnType<Child<C>['ask']> as never
    },
    async stop() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** The other side: answers what the process that forked this one asks, and ends when that one is gone. */
export function obey(commands: Commands): void {
  process.on('message', ({ n, name, input }: Question) => {
    const run = commands[name]
    const answering = run === undefined ? Promise.reject(new Error(`no such command: ${name}`)) : Promise.resolve().then(() => run(input as never))
    answering.then(
      (answer) => process.send?.({ n, answer } satisfies Reply),
      (error: unknown) => process.send?.({ n, error: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies Reply),
    )
  })
  process.once('disconnect', () => process.exit())
}
