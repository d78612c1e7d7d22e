import Cluster
import Coordinator
import Discovery
import Foundation
import Logging
import Node
import Wire

/// What the environment says about a router, read and checked.
struct RouterSettings {
    let work: WorkDirectory
    let host: String
    let port: Int
    let llamaSwap: Endpoint
    let allowedHosts: String
    let logLevel: Logger.Level
    private let environment: [String: String]

    /// A variable with a value that means nothing.
    struct Invalid: Error, CustomStringConvertible {
        let description: String

        init(_ variable: String, _ value: String, expected: String) {
            description = "\(variable)=\(value) cannot be used\n  fix: \(expected), or unset it"
        }
    }

    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.environment = environment
        work = WorkDirectory(
            environment: environment, currentDirectory: FileManager.default.currentDirectoryPath)
        host = value("ROUTER_HOST") ?? "127.0.0.1"
        let portText = value("ROUTER_PORT") ?? "10101"
        guard let port = Int(portText), (0...65535).contains(port) else {
            throw Invalid("ROUTER_PORT", portText, expected: "give a port number, such as 10101")
        }
        self.port = port
        if let text = value(ClusterPort.variable), !(Int(text).map((1...65535).contains) ?? false) {
            throw Invalid(ClusterPort.variable, text, expected: "give a port number, such as \(ClusterPort.standard)")
        }
        if let text = value(SystemDirectory.variable), !SystemDirectory.choices.contains(text) {
            throw Invalid(
                SystemDirectory.variable, text,
                expected: "make it \(SystemDirectory.choices.joined(separator: " or "))")
        }
        let url = value("LLAMA_SWAP_URL") ?? "http://127.0.0.1:10102"
        guard let endpoint = Endpoint(url: url) else {
            throw Invalid("LLAMA_SWAP_URL", url, expected: "give a URL such as http://127.0.0.1:10102")
        }
        llamaSwap = endpoint
        allowedHosts = value("ROUTER_ALLOWED_HOSTS") ?? ""
        let level = value("LOG_LEVEL") ?? "info"
        guard let known = Self.levels[level.lowercased()] else {
            throw Invalid("LOG_LEVEL", level, expected: "use debug, info, warning or error")
        }
        logLevel = known
    }

    /// swift-log's levels, and the names that other loggers have for them.
    private static let levels: [String: Logger.Level] = {
        var levels = Dictionary(uniqueKeysWithValues: Logger.Level.allCases.map { ($0.rawValue, $0) })
        levels["warn"] = .warning
        levels["fatal"] = .critical
        return levels
    }()

    var listensBeyondLoopback: Bool {
        !(host == "localhost" || host == "::1" || host.hasPrefix("127."))
    }

    /// Reads models.ini.
    ///
    /// - Returns: the table, and whether there was a file; without one the catalog is empty.
    /// - Throws: ``CatalogError``, or what is wrong with a `ROUTER_*` variable.
    func routingTable() throws -> (table: RoutingTable, hasFile: Bool) {
        var catalog = Catalog()
        var hasFile = true
        do {
            let bytes = try WholeFile.read(work.modelsINI)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw CatalogError(
                    file: work.modelsINI, line: nil, problem: "the file is not UTF-8 text",
                    fix: "save it again as UTF-8")
            }
            catalog = try Catalog.parse(text, file: work.modelsINI) { environment[$0] }
        } catch let failure as WholeFile.Failure where failure.isMissing {
            hasFile = false
        } catch let failure as WholeFile.Failure {
            throw CatalogError(
                file: work.modelsINI, line: nil, problem: "it cannot be read: \(failure.reason)",
                fix: "check what it is and its permissions")
        }
        return (try RoutingTable(catalog: catalog) { environment[$0] }, hasFile)
    }
}
