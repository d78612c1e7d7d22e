import Node
import Testing

@Suite("What a supervisor does")
struct StackSupervisionTests {
    /// Both up and answering at second 1.
    private func readied() -> Supervision {
        var machine = Supervision([.llamaSwap, .router])
        #expect(machine.handle(.begin, at: 0) == [.spawn(.llamaSwap), .spawn(.router)])
        #expect(machine.handle(.spawned(.llamaSwap, pid: 1), at: 0) == [])
        #expect(machine.handle(.spawned(.router, pid: 2), at: 0) == [])
        #expect(machine.handle(.answered(.router, pid: 2), at: 1) == [])
        #expect(machine.handle(.answered(.llamaSwap, pid: 1), at: 1) == [.ready])
        return machine
    }

    @Test("One that dies is started again after its wait, alone, and readiness is told anew")
    func restarts() {
        var machine = readied()
        #expect(machine.nextDeadline == nil)
        #expect(machine.handle(.ended(.llamaSwap, pid: 1), at: 10) == [.delay(.llamaSwap, seconds: 1)])
        #expect(machine.nextDeadline == 11)
        #expect(machine.handle(.tick, at: 10.5) == [])
        #expect(machine.handle(.tick, at: 11) == [.spawn(.llamaSwap)])
        #expect(machine.handle(.tick, at: 11) == [])
        #expect(machine.handle(.spawned(.llamaSwap, pid: 3), at: 11) == [])
        #expect(machine.handle(.answered(.llamaSwap, pid: 3), at: 12) == [.ready])
    }

    @Test("One that keeps dying waits longer, and one minute of life forgives it")
    func backoff() {
        var machine = readied()
        _ = machine.handle(.ended(.router, pid: 2), at: 2)
        _ = machine.handle(.tick, at: 3)
        _ = machine.handle(.spawned(.router, pid: 3), at: 3)
        #expect(machine.handle(.ended(.router, pid: 3), at: 3) == [.delay(.router, seconds: 2)])
        _ = machine.handle(.tick, at: 5)
        _ = machine.handle(.spawned(.router, pid: 4), at: 5)
        #expect(machine.handle(.ended(.router, pid: 4), at: 65) == [.delay(.router, seconds: 1)])
    }

    @Test("A program that cannot be started is tried again")
    func spawnFailures() {
        var machine = Supervision([.router])
        #expect(machine.handle(.begin, at: 0) == [.spawn(.router)])
        #expect(machine.handle(.spawnFailed(.router), at: 0) == [.delay(.router, seconds: 1)])
        #expect(machine.handle(.tick, at: 1) == [.spawn(.router)])
        #expect(machine.handle(.spawnFailed(.router), at: 1) == [.delay(.router, seconds: 2)])
    }

    @Test("News of an earlier life changes nothing")
    func staleNews() {
        var machine = readied()
        let before = machine
        #expect(machine.handle(.ended(.router, pid: 99), at: 2) == [])
        #expect(machine.handle(.answered(.router, pid: 99), at: 2) == [])
        #expect(machine == before)
    }

    @Test("The router is ended first, then llama-swap, then all is over")
    func shutdown() {
        var machine = readied()
        #expect(machine.handle(.shutdown, at: 10) == [.ask(.router, pid: 2)])
        #expect(machine.nextDeadline == 22)
        #expect(machine.handle(.ended(.router, pid: 2), at: 12) == [.ask(.llamaSwap, pid: 1)])
        #expect(machine.nextDeadline == 17)
        #expect(machine.handle(.ended(.llamaSwap, pid: 1), at: 13) == [.finish])
        #expect(machine.handle(.tick, at: 14) == [])
    }

    @Test("Who outstays its patience is killed, once")
    func killing() {
        var machine = readied()
        _ = machine.handle(.shutdown, at: 0)
        #expect(machine.handle(.tick, at: 11.9) == [])
        #expect(machine.handle(.tick, at: 12) == [.kill(.router, pid: 2)])
        #expect(machine.handle(.tick, at: 13) == [])
        #expect(machine.handle(.ended(.router, pid: 2), at: 13) == [.ask(.llamaSwap, pid: 1)])
        #expect(machine.handle(.tick, at: 18) == [.kill(.llamaSwap, pid: 1)])
        #expect(machine.handle(.ended(.llamaSwap, pid: 1), at: 18) == [.finish])
    }

    @Test("A shutdown starts nothing that waits, and waits for what is being started")
    func shutdownInBetween() {
        var waiting = readied()
        _ = waiting.handle(.ended(.router, pid: 2), at: 2)
        #expect(waiting.handle(.shutdown, at: 2) == [.ask(.llamaSwap, pid: 1)])
        #expect(waiting.handle(.ended(.llamaSwap, pid: 1), at: 2) == [.finish])

        var starting = Supervision([.router])
        _ = starting.handle(.begin, at: 0)
        #expect(starting.handle(.shutdown, at: 0) == [])
        #expect(starting.handle(.spawned(.router, pid: 5), at: 0) == [.ask(.router, pid: 5)])
        #expect(starting.handle(.ended(.router, pid: 5), at: 0) == [.finish])

        var failing = Supervision([.router])
        _ = failing.handle(.begin, at: 0)
        _ = failing.handle(.shutdown, at: 0)
        #expect(failing.handle(.spawnFailed(.router), at: 0).last == .finish)
    }
}
