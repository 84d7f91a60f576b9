// `ipvs doctor`: files with mark rules.
import { expect, test } from 'vitest'
import { loadCommand, marksOfDocument, marksOfExport } from '../../../../cli/doctor/saved.ts'

test('marks of an export', () => {
  const text = `table inet ipvs
delete table inet ipvs
table inet ipvs {
	map exact4 {
		elements = { 172.16.0.100 . tcp . 80 : 0x00000007, 172.16.0.100 . tcp . 443 : 0x00000007,
			     172.16.0.101 . tcp . 80 : 0x000000a8 }
	}
}`
  expect(marksOfExport(text)).toEqual([7, 0xa8])
})

test('marks of a document', () => {
  expect(marksOfDocument('{"marks":[{"mark":7},{"mark":"0x8"},{"mark":7}]}')).toEqual([7, 8])
  expect(marksOfDocument('{"services":[]}')).toEqual([])
})

test('the command that loads a file', () => {
  expect(loadCommand({ file: '/etc/ipvs-marks.nft', marks: [] })).toBe('nft -f /etc/ipvs-marks.nft')
  expect(loadCommand({ file: '/etc/ipvs.json', marks: [] })).toBe('ipvs restore /etc/ipvs.json')
})
