import { lane } from '../vitest.shared.ts'

export default lane('deploy', 'test')
