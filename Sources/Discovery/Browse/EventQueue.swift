/// Events that a reader has not taken yet: of each service only the latest, so that no reader is too slow.
package struct EventQueue: Sendable {
    private struct Pending {
        var turn: Int
        var event: DirectoryEvent
    }

    private var state: DirectoryEvent?
    private var registered: DirectoryEvent?
    private var services: [FoundService.ID: Pending] = [:]
    private var isAllForNow = false
    /// Services of which the reader knows.
    private var told: Set<FoundService.ID> = []
    private var turn = 0

    package init() {}

    /// Services waiting to be told: at most those held by the view and those the reader knows.
    package var count: Int { services.count }

    package mutating func put(_ event: DirectoryEvent) {
        switch event {
        case .available: state = event
        case .unavailable:
            state = event
            isAllForNow = false
        case .registered: registered = event
        case .allForNow: isAllForNow = true
        case .found(let service): put(event, of: service.id)
        case .lost(let id):
            guard told.contains(id) else {
                services[id] = nil
                return
            }
            put(event, of: id)
        }
    }

    private mutating func put(_ event: DirectoryEvent, of id: FoundService.ID) {
        turn += 1
        services[id] = Pending(turn: services[id]?.turn ?? turn, event: event)
    }

    /// The next to tell; nil: nothing for now.
    package mutating func take() -> DirectoryEvent? {
        if let event = state ?? registered {
            if state != nil { state = nil } else { registered = nil }
            return event
        }
        if let (id, next) = services.min(by: { $0.value.turn < $1.value.turn }) {
            services[id] = nil
            if case .lost = next.event { told.remove(id) } else { told.insert(id) }
            return next.event
        }
        defer { isAllForNow = false }
        return isAllForNow ? .allForNow : nil
    }
}
