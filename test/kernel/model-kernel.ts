// A kernel with a table of mark services, which does what IPVS does, apart from one fault at one of its datagrams.
import { answer, attribute, message, playKernel, type FakeKernel, type Line, type Request } from './fake-kernel.ts'

const [ADD, SET, REMOVE, GET] = [1, 2, 3, 4]
const [FWMARK, SCHEDULER, FLAGS] = [5, 6, 7]
const [ENOENT, ESRCH, EEXIST] = [2, 3, 17]
const NLMSG_OVERRUN = 4

/** What a fault can do. */
export interface World extends Line {
  readonly requests: readonly Request[]
  /** Carries out the requests and answers them, all but those that `refuse` answers an errno for. */
  apply(refuse?: (position: number) => number): Buffer[]
  /** From now on it is as if nobody were there. */
  silence(): void
  /** What the test does from outside. */
  abort(): void
  close(): void
}

export type Fault = (world: World) => Buffer[]

const nonsense = (): Buffer[] => [Buffer.from('nonsense')]
const refused = (world: World, errno: number, refuses: (position: number) => boolean): Buffer[] =>
  world.apply((position) => (refuses(position) ? errno : 0))
const after = (world: World, act: () => void): Buffer[] => {
  const answers = world.apply()
  act()
  return answers
}

/** Every way in which a datagram can end. */
export const faults: Readonly<Record<string, Fault>> = {
  'a request that is lost': () => [],
  'an answer that is lost': (world) => after(world, () => {}).slice(0, 0),
  'silence, and nothing is done any more': (world) => (world.silence(), []),
  silence: (world) => after(world, () => world.silence()).slice(0, 0),
  'an answer that makes no sense': (world) => (world.apply(), nonsense()),
  'an answer that is cut off': (world) => (world.apply(), [Buffer.alloc(70_000)]),
  'a full receive queue': (world) => (world.apply(), [message(NLMSG_OVERRUN, 0, 0)]),
  'EPERM for all': (world) => refused(world, 1, () => true),
  'EPERM for one': (world) => refused(world, 1, (position) => position === 5),
  'ENOMEM for one': (world) => refused(world, 12, (position) => position === 5),
  'ENOMEM for the last': (world) => refused(world, 12, (position) => position === world.requests.length - 1),
  'a send that fails afterwards': (world) => after(world, () => world.deafen()),
  'no socket afterwards': (world) => (world.apply(), nonsense()),
  'a connection that ends': (world) => (world.apply(), world.hangUp(), []),
  'an abort before it': (world) => (world.abort(), world.apply()),
  'an abort instead of an answer': (world) => (world.apply(), world.abort(), []),
  'an abort behind it': (world) => after(world, () => world.abort()),
  'close() before it': (world) => (world.close(), world.apply()),
  'close() and no answer': (world) => (world.apply(), world.close(), []),
  'close() behind it': (world) => after(world, () => world.close()),
}

/** Those after which a batch cannot go on, wherever they come. */
export const ending: ReadonlySet<string> = new Set([
  'silence',
  'no socket afterwards',
  'a send that fails afterwards',
  'EPERM for all',
  'an abort before it',
  'close() before it',
])

const attributesOf = (bytes: Buffer): Map<number, Buffer> => {
  const found = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3) {
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + bytes.readUInt16LE(at)))
  }
  return found
}

export class ModelKernel {
  /** By mark: the attributes that it was set with. */
  readonly services: Map<number, Buffer> = new Map()
  /** Datagrams that were asked so far; the one with the number `faultAt` has the fault. */
  datagrams = 0
  readonly kernel: FakeKernel
  readonly #fault: (number: number) => Fault | undefined
  readonly #outside: Pick<World, 'abort' | 'close'>
  #silent = false

  /** `sockets`: how often the connection can be opened. `outside`: what faults may do that is none of the kernel's doing. */
  constructor(fault: (number: number) => Fault | undefined, outside: Pick<World, 'abort' | 'close'>, sockets = 30) {
    this.#fault = fault
    this.#outside = outside
    this.kernel = playKernel((requests, line) => this.#script(requests, line), sockets)
  }

  addOld(mark: number): void {
    const service = [
      attribute(1, Buffer.from(Uint16Array.of(2).buffer)),
      attribute(FWMARK, Buffer.from(Uint32Array.of(mark).buffer)),
      attribute(SCHEDULER, Buffer.from('wlc\0')),
    ]
    this.services.set(mark, Buffer.concat(service))
  }

  schedulerOf(mark: number): string | undefined {
    return this.#attributeOf(mark, SCHEDULER)?.toString('latin1').replace('\0', '')
  }

  flagsOf(mark: number): number {
    return this.#attributeOf(mark, FLAGS)?.readUInt32LE() ?? 0
  }

  #attributeOf(mark: number, type: number): Buffer | undefined {
    const attributes = this.services.get(mark)
    return attributes && attributesOf(attributes).get(type)
  }

  #script(requests: readonly Request[], line: Line): readonly Buffer[] {
    if (this.#silent) return []
    const apply: World['apply'] = (refuse) => this.#apply(requests, refuse)
    const fault = this.#fault(++this.datagrams)
    if (fault === undefined) return apply()
    const silence = () => (this.#silent = true)
    return fault({ requests, apply, silence, ...line, ...this.#outside })
  }

  // Each refusal is a datagram of its own, and so is the acknowledgement that was asked for.
  #apply(requests: readonly Request[], refuse: (position: number) => number = () => 0): Buffer[] {
    return requests.flatMap((request, position) => {
      const errno = refuse(position) || this.#carryOut(request)
      if (errno !== 0) return [answer(request, errno)]
      const data = request.command === GET ? [this.#row(request)] : []
      return request.acknowledged ? [Buffer.concat([...data, answer(request)])] : data
    })
  }

  #carryOut({ command, body }: Request): number {
    const attributes = Buffer.from(attributesOf(body.subarray(4)).get(1) as Buffer)
    const mark = markOf(attributes)
    const exists = this.services.has(mark)
    if (command === ADD) return exists ? EEXIST : (this.services.set(mark, attributes), 0)
    if (!exists) return ESRCH
    if (command === SET) this.services.set(mark, attributes)
    else if (command === REMOVE) this.services.delete(mark)
    else if (command !== GET) return ENOENT
    return 0
  }

  #row(request: Request): Buffer {
    const mark = markOf(attributesOf(request.body.subarray(4)).get(1) as Buffer)
    const service = attribute(1, this.services.get(mark) as Buffer)
    return message(request.type, 2, request.sequence, Buffer.from([1, 1, 0, 0]), service)
  }
}

function markOf(service: Buffer): number {
  return (attributesOf(service).get(FWMARK) as Buffer).readUInt32LE()
}
