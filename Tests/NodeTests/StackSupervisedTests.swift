import Foundation
import Node
import Testing

@Suite("What start --foreground looks after")
struct StackSupervisedTests {
    @Test("A restart would take it out of the service's hands, and is refused")
    func restart() throws {
        let project = try ScratchProject()
        let stopper = StackStopper(
            work: project.work, endpoints: Endpoints(environment: ["ROUTER_PORT": "1"]), table: FakeProcessTable(),
            console: StandardConsole())
        try stopper.refuseRestartOfSupervised()
        try project.write("90\n", "supervisor.pid")
        let lock = FileLock.tryTaking(StackObserver.supervisorFile(in: project.work).path)
        let failure = #expect(throws: StackFailure.self) { try stopper.refuseRestartOfSupervised() }
        #expect(failure?.problem.contains("pid 90") == true)
        #expect(failure?.advice.hasPrefix("next: ") == true)
        #if os(Linux)
            #expect(failure?.advice.contains("systemctl --user restart llmstack") == true)
        #else
            #expect(failure?.advice.contains("launchctl kickstart -k gui/\(getuid())/llmstack") == true)
        #endif
        withExtendedLifetime(lock) {}
    }

    @Test("A stack that runs in the other channel is not taken over")
    func otherChannel() async throws {
        let project = try ScratchProject()
        try project.write("[a]\nhf_repo = o/r\nhf_file = f\nhf_file_next = g\n", "models.ini")
        try project.write("{}", "opencode.json")
        let program = project.work.llamaSwap
        try FileManager.default.createDirectory(
            atPath: project.work.binaries, withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: program, contents: nil, attributes: [.posixPermissions: 0o755]))
        var table = FakeProcessTable()
        let mark = DaemonIdentity(work: project.work).mark(.llamaSwap)
        // Above all pids that there are.
        table.add(
            2_000_000_000, ["llama-swap", "--config", project.work.llamaSwapYAML],
            [DaemonIdentity.markVariable: mark, "LLMSTACK_CHANNEL": "current"])
        struct Refused: Error {}
        let starter = StackStarter(
            work: project.work, blueprint: Blueprint(environment: [:]), table: table,
            probe: Probe { _, _ throws in throw Refused() }, console: StandardConsole(),
            environment: ["ROUTER_PORT": "1"], llmstack: "/nowhere")
        let (stop, _) = AsyncStream.makeStream(of: Void.self)
        let failure = await #expect(throws: StackFailure.self) {
            try await StackSupervisor(starter: starter).run(wanted: .next, stop: stop)
        }
        #expect(failure?.problem.contains("current channel") == true, "\(failure?.description ?? "")")
        #expect(failure?.advice == "next: llmstack stop, then start again")
    }
}
