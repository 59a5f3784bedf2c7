import { lane } from '../vitest.shared.ts'

export default lane('tools', 'test')
