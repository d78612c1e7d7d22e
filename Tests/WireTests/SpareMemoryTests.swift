import Testing
import Wire

struct SpareMemoryTests {
    /// MiB at each look, and at which looks memory is given back.
    @Test(arguments: [
        ([0, 0, 0, 0], []), ([500, 500, 0, 0, 0, 0], [3]), ([500, 0, 500, 0, 500, 0], []),
        ([500, 300, 260, 255, 240, 240, 240], [5]), ([7, 0, 0, 0], []), ([500, 0, 0, 500, 0, 0, 0, 0], [2, 5]),
        ([500, 240, 240, 100, 100, 100], [2, 4]),
    ]) func `Memory is given back when much was used and little is for a while`(_ levels: [Int], _ expected: [Int]) {
        var spare = SpareMemory()
        let given = levels.indices.filter { spare.look(inUse: levels[$0] << 20) }
        #expect(given == expected)
    }
}
