import Discovery
import Foundation
import Logging

/// Discovery on its own, on one host of a test: events go out as lines of JSON, orders come in as lines of text.
///
///     discovery-probe advertise NAME PORT [key=value…] [_subtype…]
///     discovery-probe browse
///
/// Orders: `txt a=b c=d`, `subtypes _a,_b`, `port N`, `name N`, `withdraw`, `memory`, `quit`.
@main
struct Probe {
    private static let type = ProcessInfo.processInfo.environment["PROBE_TYPE"] ?? "_llmstack._tcp"

    static func main() async {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        let arguments = CommandLine.arguments.dropFirst()
        guard let verb = arguments.first, ["advertise", "browse"].contains(verb),
            verb == "browse" || arguments.count >= 3
        else {
            FileHandle.standardError.write(
                Data("usage: discovery-probe advertise NAME PORT [key=value…] | browse\n".utf8))
            exit(2)
        }
        let directory = SystemDirectory.make(
            environment: ProcessInfo.processInfo.environment, log: Logger(label: "probe"))
        var service: AdvertisedService?
        if verb == "advertise" {
            let words = Array(arguments.dropFirst())
            service = AdvertisedService(
                name: words[0], type: type, port: Int(words[1]) ?? 0,
                text: words.dropFirst(2).filter { $0.contains("=") },
                subtypes: words.dropFirst(2).filter { !$0.contains("=") })
            say("advertise", [:])
            directory.advertise(service)
        }
        let reading = Task {
            for await event in directory.browse(type) { say(event) }
            say("end", [:])
        }
        // On a thread of its own: reading lines blocks.
        let orders = AsyncStream<String> { continuation in
            Thread.detachNewThread {
                while let line = readLine() { continuation.yield(line) }
                continuation.finish()
            }
        }
        for await order in orders where !obey(order, &service, directory) { break }
        say("closing", [:])
        directory.close()
        say("closed", [:])
        await reading.value
    }

    /// - Returns: false for the last order.
    private static func obey(_ order: String, _ service: inout AdvertisedService?, _ directory: any ServiceDirectory)
        -> Bool
    {
        let words = order.split(separator: " ").map(String.init)
        let rest = Array(words.dropFirst())
        switch words.first {
        case "quit": return false
        case "memory":
            say("memory", memory())
            return true
        case "txt": service?.text = rest
        case "subtypes": service?.subtypes = rest.flatMap { $0.split(separator: ",").map(String.init) }
        case "port": service?.port = rest.first.flatMap(Int.init) ?? 0
        case "name": service?.name = rest.joined(separator: " ")
        case "withdraw":
            say("order", ["text": order])
            directory.advertise(nil)
            return true
        default: return true
        }
        say("order", ["text": order])
        directory.advertise(service)
        return true
    }

    /// Resident kilobytes and open descriptors of this process, where the system has /proc.
    private static func memory() -> [String: Any] {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count ?? 0
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task"))?.count ?? 0
        return ["rss": Int(line.filter(\.isNumber)) ?? 0, "descriptors": descriptors, "threads": threads]
    }

    private static func say(_ event: DirectoryEvent) {
        switch event {
        case .available: say("available", [:])
        case .unavailable(let reason, let fix): say("unavailable", ["reason": reason, "fix": fix])
        case .found(let service):
            say(
                "found",
                [
                    "name": service.name, "host": service.host, "port": service.port, "text": service.text,
                    "addresses": service.addresses.map(\.text),
                    "interfaces": service.addresses.map(\.interfaceName),
                ])
        case .lost(let id): say("lost", ["name": id.name, "host": id.host])
        case .allForNow: say("allForNow", [:])
        case .registered(let name): say("registered", ["name": name])
        }
    }

    /// `ms`: of the system's monotonic clock, the same for all processes of a machine.
    private static func say(_ event: String, _ fields: [String: Any]) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        var object = fields
        object["event"] = event
        object["ms"] = Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
        guard
            let data = try? JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        else { return }
        FileHandle.standardOutput.write(data + Data("\n".utf8))
    }
}
