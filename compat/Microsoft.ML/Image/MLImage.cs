// Stands in for Microsoft.ML.ImageAnalytics: an image of 32 bits a pixel in memory.
using Microsoft.ML.Internal;

namespace Microsoft.ML.Data;

public enum MLPixelFormat
{
    Unknown = 0,
    Bgra32 = 1,
    Rgba32 = 2,
}

public sealed class MLImage : IDisposable
{
    private readonly int _width;
    private readonly int _height;
    private readonly MLPixelFormat _format;
    private byte[] _pixels;
    private string _tag;

    private MLImage(int width, int height, MLPixelFormat format, byte[] pixels)
    {
        _width = width;
        _height = height;
        _format = format;
        _pixels = pixels;
    }

    public static MLImage CreateFromStream(Stream imageStream)
    {
        ArgumentNullException.ThrowIfNull(imageStream);
        using var bytes = new MemoryStream();
        imageStream.CopyTo(bytes);
        return Decode(bytes.GetBuffer().AsSpan(0, (int)bytes.Length))
            ?? throw new ArgumentException("Invalid input stream contents", nameof(imageStream));
    }

    public static MLImage CreateFromFile(string imagePath)
    {
        ArgumentNullException.ThrowIfNull(imagePath);
        var image = File.Exists(imagePath) ? Decode(File.ReadAllBytes(imagePath)) : null;
        return image ?? throw new ArgumentException("Invalid path", nameof(imagePath));
    }

    // Null for what is no image. The real library's order of colours on the usual machines is blue first.
    private static MLImage Decode(ReadOnlySpan<byte> encoded)
    {
        if (Stb.Decode(encoded) is not { } image) return null;
        for (int i = 0; i < image.Rgba.Length; i += 4) (image.Rgba[i], image.Rgba[i + 2]) = (image.Rgba[i + 2], image.Rgba[i]);
        return new MLImage(image.Width, image.Height, MLPixelFormat.Bgra32, image.Rgba);
    }

    public static MLImage CreateFromPixels(int width, int height, MLPixelFormat pixelFormat, ReadOnlySpan<byte> imagePixelData)
    {
        if (pixelFormat != MLPixelFormat.Bgra32 && pixelFormat != MLPixelFormat.Rgba32)
            throw new ArgumentException("Unsupported pixel format", nameof(pixelFormat));
        if (width <= 0) throw new ArgumentException("Invalid width value.", nameof(width));
        if (height <= 0) throw new ArgumentException("Invalid height value.", nameof(height));
        if (imagePixelData.Length != checked(width * height * 4)) throw new ArgumentException("Invalid imagePixelData buffer size.");
        return new MLImage(width, height, pixelFormat, imagePixelData.ToArray());
    }

    private byte[] Data => _pixels ?? throw new InvalidOperationException("Object is disposed.");

    public MLPixelFormat PixelFormat => Data == null ? MLPixelFormat.Unknown : _format;

    public ReadOnlySpan<byte> Pixels => Data;

    public string Tag
    {
        get => Data == null ? null : _tag;
        set => _tag = Data == null ? null : value;
    }

    public int Width => Data == null ? 0 : _width;

    public int Height => Data == null ? 0 : _height;

    public int BitsPerPixel => Data == null ? 0 : 32;

    public byte[] GetBGRPixels
    {
        get
        {
            var (red, green, blue, _) = ChannelOffsets;
            var pixels = Data;
            var result = new byte[pixels.Length / 4 * 3];
            for (int i = 0, o = 0; i < pixels.Length; i += 4)
            {
                result[o++] = pixels[i + blue];
                result[o++] = pixels[i + green];
                result[o++] = pixels[i + red];
            }
            return result;
        }
    }

    internal (int Red, int Green, int Blue, int Alpha) ChannelOffsets => _format == MLPixelFormat.Bgra32 ? (2, 1, 0, 3) : (0, 1, 2, 3);

    public void Save(string imagePath)
    {
        ArgumentNullException.ThrowIfNull(imagePath);
        string extension = Path.GetExtension(imagePath).ToLowerInvariant();
        if (extension is not (".png" or ".jpg" or ".jpeg"))
        {
            throw new ArgumentException(
                $"Saving image with the format '{extension}' is not supported. Try save it with `Jpeg`, `Png`, or `Webp` format.",
                nameof(imagePath));
        }
        var rgba = (byte[])Data.Clone();
        if (_format == MLPixelFormat.Bgra32)
            for (int i = 0; i < rgba.Length; i += 4) (rgba[i], rgba[i + 2]) = (rgba[i + 2], rgba[i]);
        File.WriteAllBytes(imagePath, extension == ".png" ? Stb.EncodePng(_width, _height, rgba) : Stb.EncodeJpeg(_width, _height, rgba));
    }

    public void Dispose() => _pixels = null;
}
