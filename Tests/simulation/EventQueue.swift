/// What is to happen, soonest first; of what happens at one moment, what was planned first.
struct EventQueue {
    struct Entry {
        var moment: Moment
        var number: Int
        /// Whom it happens to; -1: the world.
        var node: Int
        /// Which of its lives: what was planned in an earlier one is void. -1: whichever.
        var life: Int
        var event: Event

        fileprivate static func isSooner(_ one: Entry, _ other: Entry) -> Bool {
            one.moment != other.moment ? one.moment < other.moment : one.number < other.number
        }
    }

    /// A binary heap.
    private var heap: [Entry] = []
    private var count = 0

    mutating func push(_ event: Event, node: Int, life: Int, at moment: Moment) {
        count += 1
        heap.append(Entry(moment: moment, number: count, node: node, life: life, event: event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Entry.isSooner(heap[child], heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> Entry? {
        guard !heap.isEmpty else { return nil }
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            let (left, right) = (2 * parent + 1, 2 * parent + 2)
            if left < heap.count, Entry.isSooner(heap[left], heap[least]) { least = left }
            if right < heap.count, Entry.isSooner(heap[right], heap[least]) { least = right }
            guard least != parent else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return first
    }
}
