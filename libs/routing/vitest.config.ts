import { lane } from '../../vitest.shared.ts'

export default lane('routing', 'test')
