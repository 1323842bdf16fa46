using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Data;
using Parquet;
using Parquet.Schema;

namespace Ard.MLNet.Parquet;

/// <summary>One Parquet file of an image set.</summary>
internal sealed class ParquetImageFile
{
    private readonly string path, labelColumn;
    private readonly DataField imageBytes, label;
    private readonly string? description;
    private readonly Lock gate = new();
    private int first;
    private byte[]?[] group = [];

    public ParquetImageFile(string path, string imageColumn, string labelColumn)
    {
        (this.path, this.labelColumn) = (path, labelColumn);
        using var stream = File.OpenRead(path);
        var reader = Open(stream);
        try
        {
            var fields = reader.Schema.DataFields;
            imageBytes = Find(fields, $"{imageColumn}/bytes", ("bytes", typeof(ReadOnlyMemory<byte>)));
            label = Find(
                fields, labelColumn,
                ("whole numbers", typeof(long)), ("whole numbers", typeof(int)), ("texts", typeof(ReadOnlyMemory<char>)));
            reader.CustomMetadata.TryGetValue("huggingface", out description);
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private bool IsText => label.ClrType == typeof(ReadOnlyMemory<char>);

    /// <summary>The names of the classes in the description that Hugging Face's library writes; null where there are none.</summary>
    public string[]? ClassNames()
    {
        if (description is null) return null;
        try
        {
            using var json = JsonDocument.Parse(description);
            return [.. json.RootElement.GetProperty("info").GetProperty("features").GetProperty(labelColumn).GetProperty("names")
                .EnumerateArray().Select(name => name.GetString()!)];
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The labels of all rows, as texts.</summary>
    public string[] Labels() =>
    [
        .. Groups().SelectMany(group => group switch
        {
            _ when IsText => Wait<string?>(group.RowCount, memory => group.ReadAsync(label, memory)).Select(text => text ?? ""),
            _ when label.ClrType == typeof(int) => Numbers<int>(group),
            _ => Numbers<long>(group),
        }),
    ];

    /// <summary>The labels as numbers of classes from 0.</summary>
    public IEnumerable<long> Classes(string[] labels, string[] names)
    {
        var byName = names.Select((name, k) => (name, Class: (long)k)).ToDictionary(pair => pair.name, pair => pair.Class);
        return labels.Select((text, row) =>
            !IsText && int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 0 && number < names.Length ? number
            : byName.TryGetValue(text, out var found) ? found
            : throw new FormatException(
                $"{path}: row {row} has the label '{text}' in {labelColumn}, expected one of {names.Length} classes."));
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

    private (int First, byte[]?[] Group) GroupOf(int row)
    {
        var begin = 0;
        foreach (var each in Groups())
        {
            if (row < begin + each.RowCount) return (begin, Wait<byte[]?>(each.RowCount, memory => each.ReadAsync(imageBytes, memory)));
            begin += (int)each.RowCount;
        }
        throw new FormatException($"{path}: expected row {row}, found {begin} rows; the file has changed.");
    }

    private IEnumerable<ParquetRowGroupReader> Groups()
    {
        using var stream = File.OpenRead(path);
        var reader = Open(stream);
        try
        {
            for (var i = 0; i < reader.RowGroupCount; i++)
            {
                using var group = reader.OpenRowGroupReader(i);
                yield return group;
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private ParquetReader Open(Stream stream)
    {
        try
        {
            return ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new FormatException($"{path}: expected a Parquet file: {exception.Message}", exception);
        }
    }

    private IEnumerable<string> Numbers<T>(ParquetRowGroupReader group) where T : struct, IFormattable =>
        label.IsNullable
            ? Wait<T?>(group.RowCount, memory => group.ReadAsync<T>(label, memory)).Select(Text)
            : Wait<T>(group.RowCount, memory => group.ReadAsync(label, memory)).Select(number => Text<T>(number));

    private static string Text<T>(T? number) where T : struct, IFormattable => number?.ToString(null, CultureInfo.InvariantCulture) ?? "";

    private static T[] Wait<T>(long rows, Func<Memory<T>, ValueTask> read)
    {
        var values = new T[rows];
        read(values).AsTask().GetAwaiter().GetResult();
        return values;
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
