package import Cluster
import Foundation

/// Where this machine's power comes from.
package enum PowerSupply {
    /// Reads the kernel's `class/power_supply`
    /// (https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-class-power).
    ///
    /// - Parameter sysRoot: `/sys`, or a test's.
    package static func linux(sysRoot: String) -> NodeDescription.Power {
        let folder = "\(sysRoot)/class/power_supply"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return .init() }
        var isOnline: Bool?
        var levels: [Double] = []
        var isDischarging = false
        for name in names {
            func text(_ file: String) -> String? {
                (try? String(contentsOfFile: "\(folder)/\(name)/\(file)", encoding: .utf8))?
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            }
            // A mouse's or a keyboard's.
            if text("scope") == "Device" { continue }
            switch text("type") {
            case "Mains", "USB": if let online = text("online") { isOnline = (isOnline ?? false) || online != "0" }
            case "Battery" where text("present") != "0":
                if let level = text("capacity").flatMap(Double.init) { levels.append(min(max(level, 0), 100) / 100) }
                if text("status") == "Discharging" { isDischarging = true }
            default: break
            }
        }
        // Without a battery there is only one source.
        guard !levels.isEmpty else { return .init(source: .mains) }
        let level = levels.reduce(0, +) / Double(levels.count)
        // A supply too weak for the load is online while the battery runs down: still mains.
        let onMains = isOnline ?? !isDischarging
        return .init(source: onMains ? .mains : .battery, level: (level * 100).rounded() / 100)
    }

    /// Reads the output of macOS's `pmset -g batt`.
    package static func pmset(_ output: String) -> NodeDescription.Power {
        let level = output.firstMatch(of: /(\d{1,3})%;/).flatMap { Double($0.1) }.map { min($0, 100) / 100 }
        let source: NodeDescription.Power.Source =
            if output.contains("'AC Power'") { .mains } else if output.contains("'Battery Power'") {
                .battery
            } else if output.contains("'UPS Power'") { .battery } else { .unknown }
        return .init(source: source, level: level)
    }
}
