using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Data;
using Parquet;
using Parquet.Schema;
using ColumnMetaData = Parquet.Meta.ColumnMetaData;
using CompressionCodec = Parquet.Meta.CompressionCodec;

namespace Ard.MLNet.Parquet;

internal sealed class ParquetImageFile
{
    // As many as a network may have.
    private const int MostClasses = 100_000;

    // Bytes of a page and of its head, and how often a larger page may be as long unpacked as in the file.
    private const int LargestPage = 64 << 20, UsualHead = 1 << 16, LargestHead = 1 << 26, MostPacked = 16;

    private readonly string path, labelColumn;
    private readonly DataField imageBytes, label;
    private readonly Lock gate = new();
    private int first;
    private byte[]?[] group = [];

    public ParquetImageFile(string path, string imageColumn, string labelColumn)
    {
        (this.path, this.labelColumn) = (path, labelColumn);
        (imageBytes, label, ClassNames) = Read(reader =>
        {
            var fields = reader.Schema.DataFields;
            return (
                Find(fields, $"{imageColumn}/bytes", ("bytes", typeof(ReadOnlyMemory<byte>))),
                Find(
                    fields, labelColumn,
                    ("whole numbers", typeof(long)), ("whole numbers", typeof(int)), ("texts", typeof(ReadOnlyMemory<char>))),
                reader.CustomMetadata.GetValueOrDefault("huggingface") is { } description ? Names(description) : null);
        });
    }

    private bool IsText => label.ClrType == typeof(ReadOnlyMemory<char>);

    /// <summary>The names of the classes in the description that Hugging Face's library writes; null where there are none.</summary>
    public string[]? ClassNames { get; }

    /// <summary>Whether labels mean the same as in another file.</summary>
    /// <exception cref="FormatException">They are of another kind, or have other names.</exception>
    public void CheckLike(ParquetImageFile other)
    {
        if (other.ClassNames is null && IsText != other.IsText)
            throw new FormatException(
                $"{path}: expected {(other.IsText ? "texts" : "whole numbers")} in {labelColumn} as in {other.path}, found the other.");
        if (ClassNames is not null && other.ClassNames is { } names && !ClassNames.SequenceEqual(names))
            throw new FormatException(
                $"{path}: expected the classes [{string.Join(", ", names)}] as in {other.path}, found [{string.Join(", ", ClassNames)}].");
    }

    private string[]? Names(string description)
    {
        try
        {
            using var json = JsonDocument.Parse(description);
            var names = json.RootElement.GetProperty("info").GetProperty("features").GetProperty(labelColumn).GetProperty("names")
                .EnumerateArray().Select(name => name.GetString() ?? throw new JsonException("a class without a name")).ToArray();
            return names.Distinct().Count() == names.Length ? names : null;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The labels of all rows: texts, or whole numbers from 0.</summary>
    /// <exception cref="FormatException">One is missing, or a number below 0 or beyond that of the classes.</exception>
    public string[] Labels() => Read(reader => Groups(reader).SelectMany(group => group switch
    {
        _ when IsText => Wait<string?>(group, label, memory => group.ReadAsync(label, memory)),
        _ when label.ClrType == typeof(int) => Numbers<int>(group),
        _ => Numbers<long>(group),
    }).Select(Checked).ToArray());

    private string Checked(string? text, int row) =>
        text is not null && (IsText || Number(text) is >= 0 and < MostClasses) ? text : throw new FormatException(
            $"{path}: row {row} has the label {text ?? "null"} in {labelColumn}, expected "
            + $"{(IsText ? "a text" : "a number of a class from 0")}.");

    /// <summary>The classes that labels without names stand for.</summary>
    /// <exception cref="FormatException">They are numbers, and none is 0.</exception>
    public string[] Classes(IEnumerable<string> labels)
    {
        if (IsText) return [.. labels.Distinct().Order(StringComparer.Ordinal)];
        int[] numbers = [.. labels.Select(text => (int)Number(text)).Distinct().Order()];
        if (numbers is [> 0 and var least, ..])
            throw new FormatException(
                $"{path}: expected labels from 0 in {labelColumn}, found {least} to {numbers[^1]}: they count from {least}; write a file "
                + $"with {least} less.");
        return [.. Enumerable.Range(0, numbers.LastOrDefault(-1) + 1).Select(k => $"{k}")];
    }

    /// <summary>The labels as places among the classes' names.</summary>
    public IEnumerable<long> Places(string[] labels, string[] names)
    {
        var byName = names.Select((name, place) => (name, Place: (long)place)).ToDictionary(pair => pair.name, pair => pair.Place);
        return labels.Select((text, row) =>
            IsText ? byName.TryGetValue(text, out var found) ? found : throw Unknown(text, row)
            : Number(text) is var number && number < names.Length ? number : throw Unknown(text, row));

        FormatException Unknown(string text, int row) =>
            new($"{path}: row {row} has the label '{text}' in {labelColumn}, expected one of {names.Length} classes.");
    }

    /// <summary>The image of a row. The row group that was asked for last is kept.</summary>
    public MLImage Image(int row)
    {
        byte[]? bytes;
        lock (gate)
        {
            if (row < first || row >= first + group.Length) (first, group) = GroupOf(row);
            bytes = group[row - first];
        }
        try
        {
            return MLImage.CreateFromStream(new MemoryStream(bytes ?? []));
        }
        catch (ArgumentException exception)
        {
            throw new FormatException($"{path}: row {row} has no image that ML.NET decodes, found {bytes?.Length ?? 0} bytes.", exception);
        }
    }

    private (int First, byte[]?[] Group) GroupOf(int row) => Read(reader =>
    {
        var begin = 0;
        foreach (var each in Groups(reader))
        {
            if (row < begin + each.RowCount) return (begin, Wait<byte[]?>(each, imageBytes, memory => each.ReadAsync(imageBytes, memory)));
            begin += (int)each.RowCount;
        }
        throw new FormatException($"{path}: expected row {row}, found {begin} rows; the file has changed.");
    });

    private static IEnumerable<ParquetRowGroupReader> Groups(ParquetReader reader)
    {
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            using var group = reader.OpenRowGroupReader(i);
            yield return group;
        }
    }

    // What the reader throws on damaged files is of any kind.
    private T Read<T>(Func<ParquetReader, T> read)
    {
        using var stream = File.OpenRead(path);
        try
        {
            ThriftStructure.CheckFooter(stream);
            var reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
            try
            {
                return read(reader);
            }
            finally
            {
                reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        }
        catch (Exception exception) when (exception is not FormatException || !exception.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new FormatException($"{path}: expected a Parquet file that can be read: {exception.Message}", exception);
        }
    }

    private IEnumerable<string?> Numbers<T>(ParquetRowGroupReader group) where T : struct, IFormattable =>
        label.IsNullable
            ? Wait<T?>(group, label, memory => group.ReadAsync<T>(label, memory)).Select(Text)
            : Wait<T>(group, label, memory => group.ReadAsync(label, memory)).Select(number => Text<T>(number));

    private static string? Text<T>(T? number) where T : struct, IFormattable => number?.ToString(null, CultureInfo.InvariantCulture);
    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    // A row has an image, and so more than a byte: what a file says of its rows is not believed beyond that.
    private T[] Wait<T>(ParquetRowGroupReader group, DataField field, Func<Memory<T>, ValueTask> read)
    {
        if (group.RowCount < 0 || group.RowCount > new FileInfo(path).Length)
            throw new FormatException($"{path}: a row group of {group.RowCount} rows, more than the file has bytes.");
        CheckPages(group.GetMetadata(field)!.MetaData!, group.RowCount);
        var values = new T[group.RowCount];
        read(values).AsTask().GetAwaiter().GetResult();
        return values;
    }

    // Parquet.Net makes room for as much as the head of a page says.
    private void CheckPages(ColumnMetaData column, long rows)
    {
        using var stream = File.OpenRead(path);
        var at = Math.Min(column.DataPageOffset, column.DictionaryPageOffset is > 0 and var dictionary ? dictionary : long.MaxValue);
        for (long seen = 0; seen < column.NumValues;)
        {
            var (numbers, length, found) = ReadHead(stream, at);
            var (size, packed) = (numbers.GetValueOrDefault((0, 2)), numbers.GetValueOrDefault((0, 3)));
            // Of a data page of either version, and of a dictionary.
            var (values, names) = (
                Math.Max(numbers.GetValueOrDefault((5, 1)), numbers.GetValueOrDefault((8, 1))), numbers.GetValueOrDefault((7, 1)));
            if (packed < 0 || packed > stream.Length - at - length || size < 0 || size > Math.Max(LargestPage, MostPacked * packed)
                || values < 0 || values > rows || names < 0 || names > size)
                throw Damaged();
            // Snappy's own word comes first, in a page of version 2 behind its levels, if that is packed.
            var levels = numbers.GetValueOrDefault((8, 5)) + numbers.GetValueOrDefault((8, 6));
            if (column.Codec == CompressionCodec.SNAPPY && packed > levels && numbers.GetValueOrDefault((8, 7), 1) == 1)
            {
                if (levels < 0 || levels >= found.Length - length) throw Damaged();
                if (ThriftStructure.ReadNumber(found.AsSpan((int)(length + levels))) > (ulong)size) throw Damaged();
            }
            (at, seen) = (at + length + packed, seen + values);

            FormatException Damaged() =>
                new($"{path}: a page of {size} bytes, {packed} in the file, with {Math.Max(values, names)} values of {rows} rows.");
        }
    }

    // Some writers put the largest and the smallest image into it.
    private static (IReadOnlyDictionary<(int Parent, int Field), long> Numbers, int Length, byte[] Bytes) ReadHead(Stream stream, long at)
    {
        for (var room = UsualHead; ; room *= 4)
        {
            var bytes = new byte[Math.Clamp(stream.Length - at, 0, room)];
            stream.Position = at;
            stream.ReadExactly(bytes);
            try
            {
                var (numbers, length) = ThriftStructure.Read(bytes);
                return (numbers, length, bytes);
            }
            catch (FormatException) when (bytes.Length == room && room < LargestHead)
            {
            }
        }
    }

    private DataField Find(DataField[] fields, string name, params (string Name, Type Type)[] types)
    {
        var found = fields.FirstOrDefault(field => field.Path.ToString() == name);
        if (found is null || found.IsArray || types.All(type => type.Type != found.ClrType))
            throw new FormatException(
                $"{path}: expected a column {name} of {string.Join(" or ", types.Select(type => type.Name).Distinct())}, found "
                + (found is null ? string.Join(", ", fields.Select(field => field.Path)) : $"it of {found.ClrType}"));
        return found;
    }
}
