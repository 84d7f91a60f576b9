// The lab with IPVS in its kernel, for every test that is not about loading the module.
import { connectLab, type Lab } from '../lab/client.ts'

/** Connects to the lab and loads `ip_vs`. Kernels before 6.1 leave that to us; autoload.test.ts has what happens if not. */
export async function connectKernel(): Promise<Lab> {
  const lab = await connectLab()
  await lab.run(({ sh }) => sh('modprobe ip_vs'))
  return lab
}
