// Single values of the file: durations, shares, ports, addresses. Texts of errors have the fix in a second line.
import { normalizeMarkRule, normalizeService } from 'ipvs'
import { z } from 'zod'
import { DAY, durationPattern, durationText, parseDuration } from './duration.ts'
import { bindingWords } from './words.ts'
import { show } from './problems.ts'
import type { PortRange } from './site.ts'

/** An address in canonical spelling. */
export interface AddressField {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
}

type ErrorMap = (issue: { input?: unknown }) => string | undefined

/** Timers of Node.js hold no more. */
const LONGEST = 24 * DAY

const durationError: ErrorMap = ({ input }) => {
  if (input === undefined) return undefined
  const number = typeof input === 'number' ? String(input) : input
  if (typeof number === 'string' && /^[\d.]+$/.test(number)) return `${number} has no unit\nwrite ${number}s`
  return `${show(input)} is not a duration\nwrite it with units, such as 5s, 200ms, 10m or 1h30m`
}

/** Milliseconds. Limits included. */
export function duration(description: string, least = 1, most: number = LONGEST): z.ZodType<number, string> {
  return z
    .string({ error: durationError })
    .regex(durationPattern, { error: durationError })
    .transform((text, context) => {
      const ms = parseDuration(text) ?? Number.NaN
      if (ms >= least && ms <= most) return ms
      const limits = `from ${durationText(least)} to ${durationText(most)}`
      context.addIssue({ code: 'custom', message: `${show(text)} is not ${limits}\nchoose a value ${limits}` })
      return z.NEVER
    })
    .meta({ description, examples: ['5s', '200ms', '1h30m'] })
}

const percentError: ErrorMap = ({ input }) => {
  if (input === undefined) return undefined
  const fix =
    typeof input === 'number' && input >= 0 && input <= 100
      ? `write ${input > 0 && input < 1 ? input * 100 : input}%`
      : 'write it such as 50%'
  return `${show(input)} is not a share in percent\n${fix}`
}

/** A share, 0 to 1. */
export function percent(description: string): z.ZodType<number, string> {
  return z
    .string({ error: percentError })
    .regex(/^\d+(?:\.\d+)?%$/, { error: percentError })
    .transform((text, context) => {
      const share = Number(text.slice(0, -1)) / 100
      if (share <= 1) return share
      context.addIssue({ code: 'custom', message: `${text} is more than everything\nwrite 100% or less` })
      return z.NEVER
    })
    .meta({ description, examples: ['50%'] })
}

export function whole(description: string, least: number, most: number): z.ZodType<number, number> {
  return z.int().min(least).max(most).meta({ description })
}

export const port: z.ZodType<number, number> = whole('Port, 1 to 65535.', 1, 65_535)

function range(least: number, most: number, what: string): z.ZodType<PortRange, number | string> {
  const text = z
    .string()
    .regex(/^\d+(?:[-:]\d+)?$/, {
      error: ({ input }) => `${show(input)} is no ${what} and no range\nwrite it such as ${most - 2}-${most}`,
    })
    .transform((given, context) => {
      const [from = 0, to = from] = given.split(/[-:]/).map(Number)
      if (from >= least && to <= most && from <= to) return { from, to }
      const problem =
        from > to ? `${given} is reversed\nwrite ${to}-${from}` : `${given} is outside of ${least} to ${most}`
      context.addIssue({ code: 'custom', message: problem })
      return z.NEVER
    })
  return z.union([
    z
      .int()
      .min(least)
      .max(most)
      .transform((number) => ({ from: number, to: number })),
    text,
  ])
}

const portRange = range(1, 65_535, 'port')
const statusRange = range(100, 599, 'status')
const listOf = (
  item: z.ZodType<PortRange, number | string>,
): z.ZodType<PortRange[], number | string | (number | string)[]> =>
  z.union([item.transform((one) => [one]), z.array(item).min(1)])

export const ports: z.ZodType<'all' | PortRange[], string | number | (number | string)[]> = z
  .union([z.literal('all'), listOf(portRange)])
  .meta({ description: 'Ports and ranges such as 10000-20000, or all.', examples: [[80, 443], 'all'] })

export const statuses: z.ZodType<PortRange[], number | string | (number | string)[]> = listOf(statusRange).meta({
  description: 'Accepted statuses and ranges. Default 200-299.',
  examples: ['200-299', [200, 301]],
})

function checked<Form>(check: (text: string) => Form): (text: string, context: z.RefinementCtx) => Form {
  return (text, context) => {
    try {
      return check(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: bindingWords(error).text })
      return z.NEVER
    }
  }
}

/** An IPv4 or IPv6 address. */
export function address(description: string): z.ZodType<AddressField, string> {
  const parse = checked((text) => {
    const { address: canonical, family } = normalizeService({ address: text, protocol: 'tcp', port: 1 }) as AddressField
    return { address: canonical, family }
  })
  return z.string().transform(parse).meta({ description })
}

/** An address, a CIDR block, or a range. */
export const addressBlock: z.ZodType<AddressField, string> = z
  .string()
  .transform(
    checked((text): AddressField => {
      const rule = normalizeMarkRule({ mark: 1, address: text, protocol: 'tcp', ports: 'all' })
      return { address: rule.address, family: rule.address.includes(':') ? 'ipv6' : 'ipv4' }
    }),
  )
  .meta({ description: 'IPv4 or IPv6 address; for a service by mark also a CIDR block or a range.' })

/** A text that is not empty and has no control characters. */
export function oneLine(description: string, most = 4096): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: ({ input }) => `${show(input)} has control characters\nremove them` })
    .meta({ description })
}

/** A name of a host: SNI, the Host header, a question of DNS. */
export function hostName(description: string): z.ZodType<string, string> {
  return z
    .string()
    .max(253)
    .regex(/^[A-Za-z0-9_:[\].-]+$/, {
      error: ({ input }) => `${show(input)} is not the name of a host\nwrite it such as www.example.com`,
    })
    .meta({ description })
}

/** A path from the root. The daemon's own folder is no place to begin at. */
export function filePath(description: string): z.ZodType<string, string> {
  return z
    .string()
    .max(4096)
    .regex(/^\/[^\p{Cc}\p{Cs}]*$/u, {
      error: ({ input }) => `${show(input)} is not a path\nwrite it from the root, such as /etc/ipvs-director/ca.pem`,
    })
    .meta({ description })
}

/** A regular expression of JavaScript. */
export function pattern(description: string): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .superRefine((source, context) => {
      try {
        RegExp(source)
      } catch (error) {
        context.addIssue({
          code: 'custom',
          message: `${show(source)} is not a regular expression: ${(error as Error).message.replace(/^.*\/: /s, '')}`,
        })
      }
    })
    .meta({ description })
}

/** Letters, digits, `.`, `_` and `-`: names are parts of commands, paths and labels. No slash: `shop/web1` is a server of a service. */
export const name: z.ZodType<string, string> = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, {
    error: ({ input }) =>
      `${show(input)} is not a name\nuse 1 to 63 letters, digits, ".", "_" or "-", a letter or digit first`,
  })
  .meta({ description: 'Name: letters, digits, ".", "_" and "-".' })
