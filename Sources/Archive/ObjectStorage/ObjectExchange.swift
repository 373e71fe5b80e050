import CCurl
import Foundation

/// What moves during one request: the body out, headers and body in. libcurl calls back on the thread that performs, so
/// nothing here is shared.
final class ObjectExchange {
    private let request: ObjectRequest
    private let interruption: Interruption
    private var sent = 0

    private(set) var headers: [String: String] = [:]
    private(set) var body: [UInt8] = []
    private(set) var isTooLarge = false
    private(set) var localFailure: ObjectStorageError?

    init(_ request: ObjectRequest, interruption: Interruption) {
        self.request = request
        self.interruption = interruption
    }

    func run(on handle: UnsafeMutableRawPointer) -> CURLcode {
        withExtendedLifetime(self) {
            let context = Unmanaged.passUnretained(self).toOpaque()
            _ = ccurl_set_sink(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                let exchange = Unmanaged<ObjectExchange>.fromOpaque(context!).takeUnretainedValue()
                return exchange.take(UnsafeRawBufferPointer(start: bytes, count: size * count))
            }
            _ = ccurl_set_pointer(handle, CURLOPT_WRITEDATA, context)
            _ = ccurl_set_sink(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                let exchange = Unmanaged<ObjectExchange>.fromOpaque(context!).takeUnretainedValue()
                exchange.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
                return size * count
            }
            _ = ccurl_set_pointer(handle, CURLOPT_HEADERDATA, context)
            _ = ccurl_set_sink(handle, CURLOPT_READFUNCTION) { bytes, size, count, context in
                let exchange = Unmanaged<ObjectExchange>.fromOpaque(context!).takeUnretainedValue()
                return exchange.give(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
            }
            _ = ccurl_set_pointer(handle, CURLOPT_READDATA, context)
            _ = ccurl_set_seek(handle) { context, offset, origin in
                guard origin == SEEK_SET else { return CURL_SEEKFUNC_CANTSEEK }
                Unmanaged<ObjectExchange>.fromOpaque(context!).takeUnretainedValue().sent = Int(offset)
                return CURL_SEEKFUNC_OK
            }
            _ = ccurl_set_pointer(handle, CURLOPT_SEEKDATA, context)
            _ = ccurl_set_number(handle, CURLOPT_NOPROGRESS, 0)
            _ = ccurl_set_progress(handle) { context, _, _, _, _ in
                Unmanaged<ObjectExchange>.fromOpaque(context!).takeUnretainedValue().interruption.isStopped ? 1 : 0
            }
            _ = ccurl_set_pointer(handle, CURLOPT_XFERINFODATA, context)
            return curl_easy_perform(handle)
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= request.largestAnswer else {
            isTooLarge = true
            return 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // Of several answers, such as 100 before 200, the last one counts.
            headers = [:]
            body = []
        } else if let colon = line.firstIndex(of: ":") {
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    private func give(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        switch request.body {
        case .none: return 0
        case .bytes(let bytes):
            let count = min(buffer.count, bytes.count - sent)
            buffer.copyBytes(from: bytes[sent..<sent + count])
            sent += count
            return count
        case .file(let file, let range, _):
            let wanted = min(buffer.count, range.count - sent)
            guard wanted > 0 else { return 0 }
            let count = file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: range.lowerBound + sent)
            guard count > 0 else {
                localFailure = .local(path: file.path, reason: count == 0 ? "it became shorter" : String(cString: strerror(errno)))
                return Int(CURL_READFUNC_ABORT)
            }
            sent += count
            return count
        }
    }
}
