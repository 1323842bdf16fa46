using System.IO.Compression;

namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>Writes pickles opcode by opcode, and the archives of torch.save around them: what no honest program would write.</summary>
internal sealed class Pickle
{
    private readonly MemoryStream bytes = new();

    public Pickle() => Raw(0x80, 2);

    public static byte[] Of(Action<Pickle> write)
    {
        var pickle = new Pickle();
        write(pickle);
        return pickle.Raw('.').bytes.ToArray();
    }

    public Pickle Raw(params int[] values)
    {
        foreach (var value in values) bytes.WriteByte((byte)value);
        return this;
    }

    public Pickle Raw(ReadOnlySpan<byte> values)
    {
        bytes.Write(values);
        return this;
    }

    public Pickle Global(string module, string name) => Raw('c').Raw(Encoding.Latin1.GetBytes($"{module}\n{name}\n"));

    public Pickle Text(string text) => Raw('X').Number(Encoding.UTF8.GetByteCount(text), 4).Raw(Encoding.UTF8.GetBytes(text));

    /// <summary>What Python 2 calls a text.</summary>
    public Pickle Short(string text) => Raw('U', text.Length).Raw(Encoding.Latin1.GetBytes(text));

    public Pickle Whole(long value) => Raw(0x8a, 8).Number(value, 8);

    public Pickle Call() => Raw('R');

    public Pickle Do(Action<Pickle> write)
    {
        write(this);
        return this;
    }

    public Pickle Tuple(params Action<Pickle>[] parts)
    {
        Raw('(');
        foreach (var part in parts) part(this);
        return Raw('t');
    }

    /// <summary>A dictionary of one item.</summary>
    public Pickle Item(string key, Action<Pickle> value)
    {
        Raw('}').Text(key);
        value(this);
        return Raw('s');
    }

    /// <summary>A tensor as torch.save writes it; the storage is of float32 unless said otherwise.</summary>
    public Pickle Tensor(long[] shape, long[] strides, long count, long offset = 0, string key = "0", string type = "FloatStorage") =>
        Global("torch._utils", "_rebuild_tensor_v2").Tuple(
            p => p.Tuple(
                q => q.Text("storage"), q => q.Global("torch", type), q => q.Text(key), q => q.Text("cpu"), q => q.Whole(count)).Raw('Q'),
            p => p.Whole(offset),
            p => p.Numbers(shape),
            p => p.Numbers(strides),
            p => p.Raw(0x89),
            p => p.Global("collections", "OrderedDict").Raw(')').Call()).Call();

    public Pickle Numbers(long[] values) => Tuple([.. values.Select(value => (Action<Pickle>)(p => p.Whole(value)))]);

    public Pickle Number(long value, int size)
    {
        Span<byte> eight = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(eight, value);
        return Raw(eight[..size]);
    }

    /// <summary>An archive as torch.save writes it, stored and not compressed unless said otherwise.</summary>
    public static byte[] Archive(
        byte[] pickle, IEnumerable<(string Name, byte[] Contents)>? others = null, CompressionLevel level = CompressionLevel.NoCompression)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, contents) in (others ?? []).Prepend(("archive/data.pkl", pickle)))
            {
                using var entry = archive.CreateEntry(name, level).Open();
                entry.Write(contents);
            }
        }
        return stream.ToArray();
    }

    /// <summary>The archive of a pickle with one storage 0 of so many bytes.</summary>
    public static byte[] Archive(Action<Pickle> write, int storage = 0) =>
        Archive(Of(write), storage == 0 ? [] : [("archive/data/0", new byte[storage])]);
}
