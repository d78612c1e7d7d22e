/// A llama-swap.yaml, checked: what the stand-in needs of it, with macros expanded and ports given out.
package struct Configuration: Sendable {
    package struct Model: Sendable {
        package var id: String
        package var name: String
        package var description: String
        /// As written in the file, macros expanded; `/running` shows it.
        package var command: String
        package var words: [String]
        package var port: Int
        /// Seconds without a request until it is unloaded; 0 keeps it.
        package var ttl: Int
        package var aliases: [String]
        package var metadata: [YAML.Entry]
    }

    package struct Invalid: Error, CustomStringConvertible, Equatable {
        package var description: String
    }

    /// Sorted by id.
    package private(set) var models: [Model] = []
    package private(set) var matrix = Residency.Matrix(sets: [], costs: [:])
    package private(set) var preload: [String] = []
    /// Seconds.
    package private(set) var healthCheckTimeout = 120
    package private(set) var sendLoadingState = false
    package private(set) var includeAliasesInList = false
    private var names: [String: String] = [:]

    package init(_ yaml: YAML) throws(Invalid) {
        let known = [
            "healthCheckTimeout", "logLevel", "logToStdout", "startPort", "sendLoadingState", "includeAliasesInList",
            "globalTTL", "macros", "models", "matrix", "hooks",
        ]
        try Self.check(yaml, holdsOnly: known, at: "the file")
        healthCheckTimeout = try Self.int(yaml["healthCheckTimeout"], or: 120, "healthCheckTimeout")
        sendLoadingState = try Self.bool(yaml["sendLoadingState"], "sendLoadingState")
        includeAliasesInList = try Self.bool(yaml["includeAliasesInList"], "includeAliasesInList")
        let globalTTL = try Self.int(yaml["globalTTL"], or: 0, "globalTTL")
        var port = try Self.int(yaml["startPort"], or: 5800, "startPort")
        let macros = try Self.strings(in: yaml["macros"], "macros")

        for entry in try Self.entries(yaml["models"], "models").sorted(by: { $0.key < $1.key }) {
            let model = try Self.model(entry, macros: macros, ttl: globalTTL, port: port)
            if model.command != model.commandBeforePort { port += 1 }
            models.append(model.value)
        }
        for model in models { names[model.id] = model.id }
        var taken: Set<String> = []
        for model in models {
            for alias in model.aliases {
                guard taken.insert(alias).inserted, names[alias] == nil || alias == model.id else {
                    throw Invalid(description: "duplicate alias \(alias) found in model: \(model.id)")
                }
                names[alias] = model.id
            }
        }
        matrix = try readMatrix(yaml["matrix"])
        for name in try Self.list(yaml["hooks"]?["on_startup"]?["preload"], "hooks.on_startup.preload") {
            guard let id = names[name] else { throw Invalid(description: "preload names an unknown model: \(name)") }
            preload.append(id)
        }
    }

    package func model(_ id: String) -> Model? { models.first { $0.id == id } }

    /// The id of the model with this name or alias.
    package func resolve(_ name: String) -> String? { names[name] }

    private func readMatrix(_ yaml: YAML?) throws(Invalid) -> Residency.Matrix {
        guard let yaml, yaml != .null else { return Residency.Matrix(sets: [], costs: [:]) }
        try Self.check(yaml, holdsOnly: ["vars", "evict_costs", "sets"], at: "matrix")
        let vars = try Self.strings(in: yaml["vars"], "matrix.vars")
        func id(_ name: String, _ place: String) throws(Invalid) -> String {
            let id = vars[name] ?? name
            guard model(id) != nil else { throw Invalid(description: "\(place): no model is called \(id)") }
            return id
        }
        var costs: [String: Int] = [:]
        for entry in try Self.entries(yaml["evict_costs"], "matrix.evict_costs") {
            costs[try id(entry.key, "matrix.evict_costs")] = try Self.int(entry.value, or: 1, "matrix.evict_costs")
        }
        var sets: [Set<String>] = []
        for entry in try Self.entries(yaml["sets"], "matrix.sets") {
            let place = "matrix.sets.\(entry.key)"
            guard case .string(let text) = entry.value else { throw Invalid(description: "\(place): expected text") }
            var set: Set<String> = []
            for word in text.split(separator: "&", omittingEmptySubsequences: false) {
                set.insert(try id(word.filter { $0 != " " }, place))
            }
            sets.append(set)
        }
        return Residency.Matrix(sets: sets, costs: costs)
    }

    private static func model(
        _ entry: YAML.Entry, macros: [String: String], ttl: Int, port: Int
    ) throws(Invalid) -> (value: Model, command: String, commandBeforePort: String) {
        let place = "models.\(entry.key)"
        try check(entry.value, holdsOnly: ["name", "description", "cmd", "ttl", "aliases", "metadata"], at: place)
        guard case .string(let written)? = entry.value["cmd"] else {
            throw Invalid(description: "\(place).cmd: expected a command")
        }
        let expanded = try expand(written, macros, place)
        let command = expanded.replacing("${PORT}", with: String(port))
        if let start = command.firstRange(of: "${")?.lowerBound {
            let name = command[start...].prefix { $0 != "}" }
            throw Invalid(description: "\(place).cmd: unknown macro \(name)}")
        }
        let words: CommandWords
        do { words = try CommandWords(command) } catch { throw Invalid(description: "\(place).cmd: \(error)") }
        let model = Model(
            id: entry.key,
            name: try string(entry.value["name"], "\(place).name"),
            description: try string(entry.value["description"], "\(place).description"),
            command: command, words: words.words, port: port,
            ttl: try int(entry.value["ttl"], or: ttl, "\(place).ttl"),
            aliases: try list(entry.value["aliases"], "\(place).aliases"),
            metadata: try entries(entry.value["metadata"], "\(place).metadata"))
        return (model, command, expanded)
    }

    /// Macros may use macros; eight rounds are more than any file of ours needs and end a circle.
    private static func expand(
        _ text: String, _ macros: [String: String], _ place: String
    ) throws(Invalid) -> String {
        var text = text
        for _ in 0..<8 {
            let before = text
            for (name, value) in macros { text = text.replacing("${\(name)}", with: value) }
            if text == before { return text }
        }
        throw Invalid(description: "\(place).cmd: its macros refer to each other in a circle")
    }

    private static func check(_ yaml: YAML, holdsOnly known: [String], at place: String) throws(Invalid) {
        for entry in try entries(yaml, place) where !known.contains(entry.key) {
            throw Invalid(description: "\(place): the stand-in does not know \(entry.key)")
        }
    }

    private static func entries(_ yaml: YAML?, _ place: String) throws(Invalid) -> [YAML.Entry] {
        switch yaml {
        case nil, .null: return []
        case .mapping(let entries): return entries
        default: throw Invalid(description: "\(place): expected a mapping")
        }
    }

    private static func strings(in yaml: YAML?, _ place: String) throws(Invalid) -> [String: String] {
        var result: [String: String] = [:]
        for entry in try entries(yaml, place) { result[entry.key] = try string(entry.value, "\(place).\(entry.key)") }
        return result
    }

    private static func list(_ yaml: YAML?, _ place: String) throws(Invalid) -> [String] {
        guard let yaml, yaml != .null else { return [] }
        guard case .sequence(let items) = yaml else { throw Invalid(description: "\(place): expected a list") }
        var result: [String] = []
        for item in items { result.append(try string(item, place)) }
        return result
    }

    private static func string(_ yaml: YAML?, _ place: String) throws(Invalid) -> String {
        switch yaml {
        case nil, .null: return ""
        case .string(let text): return text
        case .int(let number): return String(number)
        case .double(let number): return String(number)
        case .bool(let flag): return String(flag)
        default: throw Invalid(description: "\(place): expected text")
        }
    }

    private static func int(_ yaml: YAML?, or fallback: Int, _ place: String) throws(Invalid) -> Int {
        switch yaml {
        case nil, .null: return fallback
        case .int(let number) where number >= 0: return number
        default: throw Invalid(description: "\(place): expected a whole number")
        }
    }

    private static func bool(_ yaml: YAML?, _ place: String) throws(Invalid) -> Bool {
        switch yaml {
        case nil, .null: return false
        case .bool(let flag): return flag
        default: throw Invalid(description: "\(place): expected true or false")
        }
    }
}
