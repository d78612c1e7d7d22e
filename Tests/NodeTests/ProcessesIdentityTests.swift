import Foundation
import Node
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A process table made up for a test.
struct FakeProcessTable: ProcessTable {
    var facts: [ProcessFacts] = []
    var environments: [Int32: [String: String]] = [:]
    var listeners: [Int: Int32] = [:]

    func process(_ pid: Int32) -> ProcessFacts? { facts.first { $0.pid == pid } }
    func processes() -> [ProcessFacts] { facts }
    func environment(of pid: Int32) -> [String: String] { environments[pid] ?? [:] }
    func listener(onPort port: Int) -> Int32? { listeners[port] }

    mutating func add(
        _ pid: Int32, parent: Int32 = 1, zombie: Bool = false, _ arguments: [String],
        _ environment: [String: String] = [:]
    ) {
        facts.append(.init(pid: pid, parent: parent, isZombie: zombie, startTime: 1, arguments: arguments))
        environments[pid] = environment
    }
}

/// A directory of the test's own, removed with this value.
final class ScratchProject {
    let work: WorkDirectory

    init() throws {
        let path = NSTemporaryDirectory() + "llmstack-\(UUID().uuidString)"
        work = WorkDirectory(environment: ["LLMSTACK_WORK_DIR": path, "HOME": path], currentDirectory: path)
        try FileManager.default.createDirectory(atPath: work.state, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: work.path) }

    func write(_ text: String, _ name: String) throws {
        try text.write(toFile: "\(work.state)/\(name)", atomically: true, encoding: .utf8)
    }
}

/// Awaits a condition; the deadline is for a test that has gone wrong.
func eventually(_ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while !condition() {
        guard ContinuousClock.now < deadline else { return false }
        await Task.yield()
    }
    return true
}

@Suite("Which process is this project's daemon")
struct ProcessesIdentityTests {
    private static let work = WorkDirectory(environment: ["LLMSTACK_WORK_DIR": "/srv/my work"], currentDirectory: "/")

    struct Row: Sendable, CustomTestStringConvertible {
        var what: String
        var kind: DaemonKind
        var arguments: [String]
        var environment: [String: String] = [:]
        var zombie = false
        var isOurs: Bool
        var testDescription: String { what }
    }

    @Test(
        "A process is ours by what it was told to do",
        arguments: [
            Row(
                what: "llama-swap with our configuration", kind: .llamaSwap,
                arguments: ["/bin/llama-swap", "--config", "/srv/my work/.llmstack/llama-swap.yaml"], isOurs: true),
            Row(
                what: "a script as llama-swap", kind: .llamaSwap,
                arguments: ["python3", "-S", "/b/llama-swap", "--config", "/srv/my work/.llmstack/llama-swap.yaml"],
                isOurs: true),
            Row(
                what: "the configuration after an equals sign", kind: .llamaSwap,
                arguments: ["llama-swap", "-config=/srv/my work/.llmstack/llama-swap.yaml"], isOurs: true),
            Row(
                what: "a path that goes a roundabout way", kind: .llamaSwap,
                arguments: ["llama-swap", "--config", "/srv/x/../my work/.llmstack/llama-swap.yaml"], isOurs: true),
            Row(
                what: "llama-swap of another project", kind: .llamaSwap,
                arguments: ["llama-swap", "--config", "/srv/other/.llmstack/llama-swap.yaml"],
                environment: ["LLMSTACK_WORK_DIR": "/srv/my work"], isOurs: false),
            Row(
                what: "an editor that has our configuration open", kind: .llamaSwap,
                arguments: ["vim", "/srv/my work/.llmstack/llama-swap.yaml"], isOurs: false),
            Row(
                what: "a flag without its value", kind: .llamaSwap, arguments: ["llama-swap", "--config"], isOurs: false
            ),
            Row(
                what: "a zombie", kind: .llamaSwap,
                arguments: ["llama-swap", "--config", "/srv/my work/.llmstack/llama-swap.yaml"], zombie: true,
                isOurs: false),
            Row(
                what: "our router", kind: .router, arguments: ["/opt/llmstack", "router"],
                environment: ["LLMSTACK_WORK_DIR": "/srv/my work"], isOurs: true),
            Row(
                what: "another project's router", kind: .router, arguments: ["/opt/llmstack", "router"],
                environment: ["LLMSTACK_WORK_DIR": "/srv/other"], isOurs: false),
            Row(
                what: "a router that does not say whose", kind: .router, arguments: ["/opt/llmstack", "router"],
                isOurs: false),
            Row(
                what: "another verb of ours", kind: .router, arguments: ["/opt/llmstack", "status"],
                environment: ["LLMSTACK_WORK_DIR": "/srv/my work"], isOurs: false),
            Row(
                what: "a program that is called router", kind: .router, arguments: ["router"],
                environment: ["LLMSTACK_WORK_DIR": "/srv/my work"], isOurs: false),
            Row(what: "a process without a command line", kind: .router, arguments: [], isOurs: false),
        ])
    func ownership(_ row: Row) {
        let process = ProcessFacts(pid: 5, parent: 1, isZombie: row.zombie, startTime: 9, arguments: row.arguments)
        #expect(
            DaemonIdentity(work: Self.work).owns(process, as: row.kind, environment: { row.environment }) == row.isOurs)
    }

    @Test("What llama-swap started is known by its mark, and llama-swap itself is not among it")
    func marks() {
        let identity = DaemonIdentity(work: Self.work)
        let mark = [DaemonIdentity.markVariable: "llama-swap:/srv/my work"]
        func process(_ arguments: String...) -> ProcessFacts {
            ProcessFacts(pid: 5, parent: 1, isZombie: false, startTime: 9, arguments: arguments)
        }
        #expect(identity.mark(.llamaSwap) == "llama-swap:/srv/my work")
        #expect(identity.startedByLlamaSwap(process("llama-server"), environment: mark))
        #expect(
            !identity.startedByLlamaSwap(
                process("llama-swap", "--config", Self.work.llamaSwapYAML), environment: mark))
        #expect(
            !identity.startedByLlamaSwap(process("llama-server"), environment: ["LLMSTACK_WORK_DIR": "/srv/my work"]))
        #expect(
            !identity.startedByLlamaSwap(
                process("llama-server"), environment: [DaemonIdentity.markVariable: "llama-swap:/srv/my work2"]))
    }

    @Test("Descendants are found at any depth, and a loop in the table ends")
    func descendants() {
        func process(_ pid: Int32, _ parent: Int32) -> ProcessFacts {
            ProcessFacts(pid: pid, parent: parent, isZombie: false, startTime: 0, arguments: [])
        }
        let all = [process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 7), process(7, 6)]
        #expect(Set(all.descendants(of: 2).map(\.pid)) == [3, 4])
        #expect(all.descendants(of: 6).map(\.pid) == [7])
        #expect(all.descendants(of: 5).isEmpty)
    }

    @Test(
        "A pid file is one number and nothing else",
        arguments: [
            ("12\n", 12), ("12", 12), (" 12 \n", 12), ("", nil), ("garbage", nil), ("0\n", nil), ("-1\n", nil),
            ("12 13\n", nil), ("12x\n", nil), ("99999999999999\n", nil), ("١٢\n", nil),
        ] as [(String, Int32?)])
    func pidFiles(_ text: String, _ pid: Int32?) {
        #expect(PIDFile.parse(text) == pid)
    }

    @Test("A live child is alive with its own arguments and environment, then a zombie, then gone")
    func aRealChild() async throws {
        let project = try ScratchProject()
        let log = "\(project.work.logs)/child.log"
        let child = Daemon(
            executable: "/bin/sh", arguments: ["-c", "echo up; exec sleep 60", "x", "an argument"],
            environment: ["LLMSTACK_WORK_DIR": "/srv/a b", "PATH": "/usr/bin:/bin"], log: log)
        let pid = try child.spawn()
        let table = SystemProcessTable()
        // The log is what says that the shell has gone on to its second command.
        #expect(await eventually { (try? String(contentsOfFile: log, encoding: .utf8)) == "up\n" })
        #expect(await eventually { table.process(pid)?.arguments == ["sleep", "60"] })
        let facts = try #require(table.process(pid))
        #expect(facts.parent == getpid())
        #expect(!facts.isZombie)
        #expect(table.isAlive(facts))
        #expect(getsid(pid) == pid)
        #expect(table.environment(of: pid)["LLMSTACK_WORK_DIR"] == "/srv/a b")
        #expect(table.processes().descendants(of: getpid()).contains { $0.isSame(as: facts) })
        #expect(ChildExit.poll(pid) == nil)

        var reused = facts
        reused.startTime += 1
        #expect(!table.isAlive(reused))
        #expect(await Termination(table: table).end([reused], patience: .zero) == [.alreadyGone])
        #expect(table.isAlive(facts))

        #expect(await Termination(table: table).end([facts], patience: .seconds(10)) == [.ended])
        #expect(table.process(pid)?.isZombie == true)
        #expect(!table.isAlive(facts))
        #expect(ChildExit.poll(pid) == .signalled(SIGTERM))
        #expect(table.process(pid) == nil)
    }

    @Test("Who does not end when asked is killed")
    func insisting() async throws {
        let project = try ScratchProject()
        let log = "\(project.work.logs)/child.log"
        let child = Daemon(
            executable: "/bin/sh", arguments: ["-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"],
            environment: ["PATH": "/usr/bin:/bin"], log: log)
        let pid = try child.spawn()
        #expect(await eventually { (try? String(contentsOfFile: log, encoding: .utf8)) == "up\n" })
        let table = SystemProcessTable()
        let facts = try #require(table.process(pid))
        #expect(await Termination(table: table).end([facts], patience: .milliseconds(50)) == [.killed])
        #expect(ChildExit.poll(pid) == .signalled(SIGKILL))
    }

    @Test("A program that is not there is an error with the system's reason")
    func noProgram() throws {
        let project = try ScratchProject()
        let daemon = Daemon(
            executable: "/nowhere/llama-swap", arguments: [], environment: [:], log: "\(project.work.logs)/x.log")
        let failure = #expect(throws: Daemon.SpawnFailure.self) { try daemon.spawn() }
        #expect(failure?.executable == "/nowhere/llama-swap")
        #expect(failure?.reason == String(cString: strerror(ENOENT)))
    }

    @Test("A lock is held by one, and let go with its holder")
    func locks() async throws {
        let project = try ScratchProject()
        var lock = FileLock.tryTaking(project.work.state)
        #expect(lock != nil)
        #expect(FileLock.tryTaking(project.work.state) == nil)
        #expect(await FileLock.taking(project.work.state, limit: .zero) == nil)
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(FileLock.tryTaking(project.work.state) != nil)
        #expect(await FileLock.taking(project.work.path + "/nowhere", limit: .seconds(60)) == nil)
    }
}
