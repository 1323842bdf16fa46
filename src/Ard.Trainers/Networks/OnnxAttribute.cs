namespace Ard.Trainers.Networks;

/// <summary>
/// A named setting of an ONNX operator: whole numbers, floating-point numbers or a text, as the operator's definition says.
/// </summary>
public sealed class OnnxAttribute
{
    private OnnxAttribute(string name, object value) => (Name, Value) = (name, value);

    /// <summary>Such as <c>axis</c>.</summary>
    internal string Name { get; }

    /// <summary>One of long, float, string, long[] and float[].</summary>
    internal object Value { get; }

    /// <summary>A whole number, or a truth value as 0 or 1.</summary>
    public static OnnxAttribute Create(string name, long value) => new(name, value);

    /// <summary>A number; ONNX keeps it as float32.</summary>
    public static OnnxAttribute Create(string name, double value) => new(name, (float)value);

    /// <summary>A text.</summary>
    public static OnnxAttribute Create(string name, string value) => new(name, value);

    /// <summary>Whole numbers.</summary>
    public static OnnxAttribute Create(string name, IEnumerable<long> values) => new(name, values.ToArray());

    /// <summary>Numbers; ONNX keeps them as float32.</summary>
    public static OnnxAttribute Create(string name, IEnumerable<double> values) =>
        new(name, values.Select(value => (float)value).ToArray());
}
