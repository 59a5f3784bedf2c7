import { lane } from '../../vitest.shared.ts'

export default lane('probe', 'real')
