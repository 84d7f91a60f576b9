// The text of an ldirectord.cf file to settings. A line that begins with blanks belongs to the virtual service above it.
import type { Remarks } from './imported.ts'

export interface LdirectordSetting {
  readonly line: number
  readonly key: string
  readonly value: string
}

/** A virtual service. */
export interface LdirectordVirtual {
  readonly line: number
  /** `192.0.2.10:80`, or a mark. */
  readonly value: string
  /** `virtual6`: a mark of IPv6. */
  readonly family: 'ipv4' | 'ipv6'
  readonly settings: readonly LdirectordSetting[]
}

export interface LdirectordFile {
  readonly settings: readonly LdirectordSetting[]
  readonly virtuals: readonly LdirectordVirtual[]
}

/** A comment begins with `#` behind a blank, outside of quotes. */
const withoutComment = (text: string): string =>
  text.replace(/^((?:[^"'#]|"[^"]*"|'[^']*'|(?<=\S)#)*)#.*$/, '$1').trimEnd()

/** A text without the quotes around it. */
export const unquoted = (text: string): string => text.replace(/^(["'])(.*)\1$/, '$2')

export function ldirectordFile(text: string, remarks: Remarks): LdirectordFile {
  const settings: LdirectordSetting[] = []
  const virtuals: (LdirectordVirtual & { readonly settings: LdirectordSetting[] })[] = []
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    const plain = withoutComment(content)
    if (plain.trim() === '') continue
    const [, blanks = '', key = '', value = ''] = /^(\s*)(\w+)\s*=\s*(.*)$/.exec(plain) ?? []
    const virtual = virtuals.at(-1)
    if (key === '') remarks.add('lost', line, `not understood: ${content.trim()}`)
    else if (key === 'virtual' || key === 'virtual6') {
      const family = key === 'virtual6' || value.startsWith('[') ? 'ipv6' : 'ipv4'
      virtuals.push({ line, value, family, settings: [] })
    } else if (blanks !== '' && virtual !== undefined) virtual.settings.push({ line, key, value })
    else settings.push({ line, key, value })
  }
  return { settings, virtuals }
}

/** Settings by key: those of the virtual service, else those of the file. Of several the last one holds. */
export class LdirectordSettings {
  readonly #all: ReadonlyMap<string, LdirectordSetting>

  constructor(file: LdirectordFile, virtual: LdirectordVirtual) {
    this.#all = new Map([...file.settings, ...virtual.settings].map((setting) => [setting.key, setting]))
  }

  get(key: string): LdirectordSetting | undefined {
    return this.#all.get(key)
  }

  text(key: string): string | undefined {
    const value = this.#all.get(key)?.value
    return value === undefined || unquoted(value) === '' ? undefined : unquoted(value)
  }

  number(key: string, otherwise: number): number {
    const value = Number(this.text(key) ?? otherwise)
    return Number.isSafeInteger(value) && value > 0 ? value : otherwise
  }

  isOn(key: string, otherwise: boolean): boolean {
    const value = this.text(key)
    return value === undefined ? otherwise : /^yes$/i.test(value)
  }
}
