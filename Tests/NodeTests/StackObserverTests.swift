import Foundation
import Node
import Testing

@Suite("What is seen of a project")
struct StackObserverTests {
    /// No test's ports: nothing listens there.
    private static let endpoints = Endpoints(environment: ["ROUTER_PORT": "1"])

    private func observer(_ project: ScratchProject, _ table: FakeProcessTable) -> StackObserver {
        StackObserver(work: project.work, endpoints: Self.endpoints, table: table)
    }

    private func llamaSwap(_ project: ScratchProject) -> [String] {
        ["llama-swap", "--config", project.work.llamaSwapYAML]
    }

    @Test(
        "A daemon is found by its pid file, and by its mark when that is lost or wrong",
        arguments: ["40\n", "41\n", nil])
    func finding(_ file: String?) throws {
        let project = try ScratchProject()
        if let file { try project.write(file, "llama-swap.pid") }
        var table = FakeProcessTable()
        let mark = DaemonIdentity(work: project.work).mark(.llamaSwap)
        table.add(40, llamaSwap(project), [DaemonIdentity.markVariable: mark, "LLMSTACK_CHANNEL": "next"])
        table.add(41, ["sleep", "9"])
        #expect(observer(project, table).observe(.llamaSwap).own == .init(pid: 40, channel: .next))
    }

    @Test("A reused pid, a zombie, another project's daemon and a dead pid are nobody")
    func strangers() throws {
        let project = try ScratchProject()
        var table = FakeProcessTable()
        table.add(50, ["sleep", "9"])
        table.add(51, zombie: true, llamaSwap(project))
        table.add(52, ["llama-swap", "--config", "/elsewhere/.llmstack/llama-swap.yaml"])
        for pid in [50, 51, 52, 53] {
            try project.write("\(pid)\n", "llama-swap.pid")
            #expect(observer(project, table).own(.llamaSwap) == nil)
        }
    }

    @Test("A router started by hand is ours only when the pid file says so")
    func byHand() throws {
        let project = try ScratchProject()
        var table = FakeProcessTable()
        table.add(60, ["llmstack", "router"], ["LLMSTACK_WORK_DIR": project.work.path])
        #expect(observer(project, table).own(.router) == nil)
        try project.write("60\n", "router.pid")
        #expect(observer(project, table).own(.router)?.pid == 60)
    }

    @Test("Children of llama-swap count by descent, orphans by their mark, and nobody else's")
    func orphans() throws {
        let project = try ScratchProject()
        let mark = [DaemonIdentity.markVariable: DaemonIdentity(work: project.work).mark(.llamaSwap)]
        var table = FakeProcessTable()
        table.add(70, llamaSwap(project), mark)
        table.add(71, parent: 70, ["sh"])
        table.add(72, parent: 71, ["llama-server"])
        table.add(73, ["llama-server"], mark)
        table.add(74, ["llama-server"], ["LLMSTACK_WORK_DIR": project.work.path])
        table.add(75, ["llama-server"], [DaemonIdentity.markVariable: "llama-swap:/elsewhere"])
        table.add(76, zombie: true, ["llama-server"], mark)
        let observer = observer(project, table)
        #expect(Set(observer.startedByLlamaSwap(table.process(70)).map(\.pid)) == [71, 72, 73])
        #expect(observer.startedByLlamaSwap(nil).map(\.pid) == [73])
    }

    @Test("Whoever listens on a port that we need is named, with the project it belongs to")
    func occupants() throws {
        let listener = try LoopbackListener()
        let project = try ScratchProject()
        var table = FakeProcessTable()
        table.add(80, ["/usr/sbin/nginx"])
        table.add(81, ["/opt/llmstack", "router"], [DaemonIdentity.markVariable: "router:/srv/else"])
        func port(_ pid: Int32?) -> DaemonObservation.Port {
            table.listeners[listener.port] = pid
            let endpoints = Endpoints(environment: ["ROUTER_PORT": "\(listener.port)"])
            return StackObserver(work: project.work, endpoints: endpoints, table: table).observe(.router).port
        }
        #expect(port(80) == .stranger(Occupant(pid: 80, command: "nginx")))
        #expect(port(81) == .stranger(Occupant(pid: 81, command: "llmstack", project: "/srv/else")))
        #expect(port(nil) == .stranger(Occupant()))

        table.add(82, ["llmstack", "router"], ["LLMSTACK_WORK_DIR": project.work.path])
        try project.write("82\n", "router.pid")
        #expect(port(82) == .own)
        #expect(port(nil) == .own)
        #expect(port(80) == .stranger(Occupant(pid: 80, command: "nginx")))
    }

    @Test("The system knows who listens on a port, and who does not")
    func listeners() throws {
        let listener = try LoopbackListener()
        #expect(LocalPort.isTaken(host: "127.0.0.1", port: listener.port))
        #if os(Linux)
            #expect(SystemProcessTable().listener(onPort: listener.port) == getpid())
        #endif
        #expect(!LocalPort.isTaken(host: "127.0.0.1", port: LoopbackListener.nobodysPort))
        #expect(SystemProcessTable().listener(onPort: LoopbackListener.nobodysPort) == nil)
    }

    @Test("A supervisor is alive while it holds its lock, whatever number is in the file")
    func supervisors() throws {
        let project = try ScratchProject()
        let observer = observer(project, FakeProcessTable())
        #expect(observer.supervisor() == nil)
        try project.write("90\n", "supervisor.pid")
        #expect(observer.supervisor() == nil)
        let lock = FileLock.tryTaking(StackObserver.supervisorFile(in: project.work).path)
        #expect(observer.supervisor() == 90)
        withExtendedLifetime(lock) {}
    }

    @Test(
        "The router's place follows the environment, then models.ini, then the default",
        arguments: [
            ([:], nil, "127.0.0.1", 10101), ([:], "20202", "127.0.0.1", 20202), ([:], "many", "127.0.0.1", 10101),
            (["ROUTER_PORT": "7"], "20202", "127.0.0.1", 7), (["ROUTER_PORT": "70000"], "9", "127.0.0.1", 9),
            (["ROUTER_HOST": "0.0.0.0"], nil, "127.0.0.1", 10101), (["ROUTER_HOST": "::"], nil, "::1", 10101),
            (["ROUTER_HOST": "10.1.2.3"], nil, "10.1.2.3", 10101),
        ] as [([String: String], String?, String, Int)])
    func places(_ environment: [String: String], _ ini: String?, _ host: String, _ port: Int) {
        let endpoints = Endpoints(environment: environment, routerPort: ini)
        #expect(endpoints.host(.router) == host)
        #expect(endpoints.port(.router) == port)
        #expect(endpoints.routerIsExposed == (environment["ROUTER_HOST"] != nil))
    }
}
