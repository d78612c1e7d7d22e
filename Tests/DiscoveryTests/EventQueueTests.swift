import Discovery
import Testing

struct EventQueueTests {
    private func service(_ name: String, port: Int = 1) throws -> FoundService {
        let address = try #require(IPAddress("10.0.0.1"))
        return FoundService(
            id: .init(name: name, host: "h.local"), port: port, text: [],
            addresses: [ServiceAddress(address, interfaceIndex: 2, interfaceName: "eth0")])
    }

    private func drain(_ queue: inout EventQueue) -> [DirectoryEvent] {
        var events: [DirectoryEvent] = []
        while let event = queue.take() { events.append(event) }
        return events
    }

    @Test func ofEachServiceTheLatestIsTold() throws {
        var queue = EventQueue()
        let (first, second, other) = try (service("a", port: 1), service("a", port: 2), service("b"))
        for event in [DirectoryEvent.found(first), .found(other), .found(second), .allForNow, .available] {
            queue.put(event)
        }
        #expect(drain(&queue) == [.available, .found(second), .found(other), .allForNow])
    }

    @Test func whatCameAndWentUntoldIsNotTold() throws {
        var queue = EventQueue()
        queue.put(.found(try service("a")))
        queue.put(.lost(.init(name: "a", host: "h.local")))
        #expect(drain(&queue).isEmpty)
    }

    @Test func aLossIsToldToWhomWasToldOfTheService() throws {
        var queue = EventQueue()
        queue.put(.found(try service("a")))
        _ = queue.take()
        queue.put(.lost(.init(name: "a", host: "h.local")))
        queue.put(.lost(.init(name: "a", host: "h.local")))
        #expect(drain(&queue) == [.lost(.init(name: "a", host: "h.local"))])
    }

    @Test func anUnreadQueueDoesNotGrowWithNamesThatComeAndGo() throws {
        var queue = EventQueue()
        for number in 0..<10_000 {
            queue.put(.found(try service("\(number)")))
            if number >= 10 { queue.put(.lost(.init(name: "\(number - 10)", host: "h.local"))) }
        }
        #expect(queue.count == 10)
    }
}
