// The text of a site file to the model, or all of its mistakes.
import { controlCheck } from './build-checks.ts'
import { buildService } from './build.ts'
import { checkOverlaps, checkService } from './binding-checks.ts'
import { describe, findingsOf } from './describe.ts'
import { readDocument } from './document.ts'
import type { DefaultsForm, FailoverForm, ServiceForm, SiteForm } from './form.ts'
import { lintService, lintTogether } from './lint.ts'
import { SiteError, type Finding, type SiteProblem } from './problems.ts'
import { defaultsSchema, frameSchema } from './schema.ts'
import { serviceSchema } from './service-schema.ts'
import type { Site, SiteFailover, SiteService } from './site.ts'

/** A site and what is doubtful in it. */
export interface ParsedSite {
  readonly site: Site
  /** In the order of the file. */
  readonly warnings: readonly SiteProblem[]
}

/**
 * Reads a site file: YAML or JSON. Throws a {@link SiteError} with all mistakes at once, each with line, column and path.
 * Pure: the same text gives the same site.
 */
export function parseSite(text: string, options: { readonly file?: string } = {}): ParsedSite {
  const document = readDocument(text, options.file ?? 'site.yaml')
  const findings: Finding[] = []
  const site = document.value === undefined ? undefined : siteOf(document.value, findings)
  const problems = [...document.findings, ...findings.map((finding) => document.place(finding))].toSorted(
    (one, other) => one.line - other.line || one.column - other.column,
  )
  if (site === undefined || problems.some(({ severity }) => severity === 'error')) throw new SiteError(problems)
  return { site, warnings: problems }
}

function siteOf(value: unknown, findings: Finding[]): Site | undefined {
  if (value === null) {
    findings.push({ code: 'empty', path: [], text: 'the file is empty', fix: 'ipvs-director init prints an example' })
    return undefined
  }
  const frame = frameSchema.safeParse(value, { error: describe, reportInput: true })
  if (!frame.success) findings.push(...findingsOf(frame.error.issues))
  const given = mapOf(value)
  const forms = serviceForms(frame.success ? frame.data.services : mapOf(given['services']), findings)
  const defaults = frame.success ? (frame.data.defaults ?? {}) : rightDefaults(mapOf(given['defaults']))
  const services = servicesOf(forms, defaults, findings)
  return frame.success ? completed(frame.data, services, defaults, findings) : undefined
}

/** The defaults that are right, so that mistakes in others hide none of the services'. */
function rightDefaults(given: Readonly<Record<string, unknown>>): DefaultsForm {
  const right = Object.entries(given).map(([key, value]) => defaultsSchema.safeParse({ [key]: value }).data ?? {})
  // Masquerade allows most: a wrong word for it is no mistake of each service.
  return Object.assign(
    {},
    given['forwarding'] === undefined ? {} : { forwarding: 'masquerade' },
    ...right,
  ) as DefaultsForm
}

const mapOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

/** The services whose form is right. */
function serviceForms(named: Readonly<Record<string, unknown>>, findings: Finding[]): ReadonlyMap<string, ServiceForm> {
  const forms = new Map<string, ServiceForm>()
  for (const [name, value] of Object.entries(named)) {
    const parsed = serviceSchema.safeParse(value, { error: describe, reportInput: true })
    if (parsed.success) forms.set(name, parsed.data)
    else findings.push(...findingsOf(parsed.error.issues, ['services', name]))
  }
  return forms
}

function servicesOf(
  forms: ReadonlyMap<string, ServiceForm>,
  defaults: DefaultsForm,
  findings: Finding[],
): readonly SiteService[] {
  const isList = (name: string): boolean => Array.isArray(forms.get(name)?.virtual)
  const services = [...forms].map(([name, form]) => buildService(name, form, defaults, findings))
  for (const service of services) {
    checkService(service, isList(service.name), findings)
    findings.push(...lintService(service, forms.get(service.name) as ServiceForm))
  }
  findings.push(...lintTogether(services))
  checkOverlaps(services, isList, findings)
  return services
}

function completed(
  { control, brake, drift, failover, source }: SiteForm,
  services: readonly SiteService[],
  defaults: DefaultsForm,
  findings: Finding[],
): Site {
  const context = { defaults: defaults.check, ports: { server: undefined, service: [] }, findings }
  return {
    services,
    brake: brakeOf(brake, control !== undefined),
    drift: drift ?? 'repair',
    control: control && controlCheck(control, ['control'], context),
    ...(failover === undefined ? {} : { failover: failoverOf(failover) }),
    ...(source === undefined ? {} : { source }),
  }
}

function failoverOf({ advertInterval = 1000, anchor, directors, ...rest }: FailoverForm): SiteFailover {
  const addresses = Object.entries(directors).map(([name, { address }]) => [name, address])
  return { ...rest, advertIntervalMs: advertInterval, anchor: anchor.address, directors: Object.fromEntries(addresses) }
}

/** Without a control target nothing would release the brake of a small site: it must be asked for. */
function brakeOf(form: SiteForm['brake'], control: boolean): Site['brake'] {
  if (form === false) return undefined
  if (form === undefined) return control ? { maximumLoss: 0.5, perMs: 60_000 } : undefined
  return { maximumLoss: form.maximumLoss, perMs: form.per }
}
