// Two C++ types of one name in one namespace are found: each case is planted in a small tree.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PlantedTree } from './planted-tree.ts'

let tree: PlantedTree
beforeEach(() => {
  tree = new PlantedTree(['native/ipvs', 'native/packing'])
  tree.plant({ 'native/ipvs/session.h': within('ipvs', 'struct Item {\n  int count;\n};\n\nclass Session;') })
})
afterEach(() => tree[Symbol.dispose]())

const within = (name: string, text: string) => `namespace ${name} {\n\n${text}\n\n} // namespace ${name}`
const check = (text: string) => {
  tree.plant({ 'native/packing/packer.cc': text })
  return tree.check('check-types.mjs')
}

test.each([
  'struct Item {\n  long name;\n};',
  'class Item final : public Base {\n};',
  'enum class Item : uint8_t { a, b };',
  'struct [[nodiscard]] Item {\n};',
  'template <typename T> struct Item {\n};',
  'class Item\n    : public Base {\n};',
])('%j beside a struct Item of the same namespace', (text) => {
  const { status, problems } = check(within('ipvs', text))
  expect(status).toBe(1)
  expect(problems).toContain('ipvs::Item is defined in ')
  expect(problems).toContain('native/ipvs/session.h')
  expect(problems).toContain('native/packing/packer.cc')
})

test.each([
  within('packing', 'struct Item {\n  long name;\n};'),
  within('ipvs', 'namespace {\nstruct Item {\n};\n} // namespace'),
  within('ipvs', 'namespace text {\nstruct Item {\n};\n} // namespace text'),
  within('ipvs', 'struct Item;\nstruct Other {\n  struct Item {\n  };\n};'),
  within('ipvs', 'class Session {\n};'),
  `${within('ipvs', '')}\nstruct Item {\n};`,
])('%j is another type', (text) => {
  expect(check(text)).toEqual({ status: 0, problems: '' })
})

test('a tree without types is not taken for one without mistakes', () => {
  tree.plant({ 'native/ipvs/session.h': '' })
  expect(tree.check('check-types.mjs').status).toBe(1)
})
