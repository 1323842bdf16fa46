// Image files are read and written by stb_image and stb_image_write, the system's shared library of them.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Internal;

internal static unsafe partial class Stb
{
    // The real library keeps most of the picture when it writes JPEG.
    private const int JpegQuality = 100;
    private const string Library = "libstb.so.0";

    [LibraryImport(Library)]
    private static partial byte* stbi_load_from_memory(byte* buffer, int length, out int width, out int height, out int channels,
        int desiredChannels);

    [LibraryImport(Library)]
    private static partial void stbi_image_free(byte* pixels);

    [LibraryImport(Library)]
    private static partial int stbi_write_png_to_func(delegate* unmanaged[Cdecl]<void*, byte*, int, void> write, void* context, int width,
        int height, int channels,
        byte* pixels, int stride);

    [LibraryImport(Library)]
    private static partial int stbi_write_jpg_to_func(delegate* unmanaged[Cdecl]<void*, byte*, int, void> write, void* context, int width,
        int height, int channels,
        byte* pixels, int quality);

    /// <summary>The pixels of a PNG, JPEG, BMP or other known file; null when it is none.</summary>
    public static (int Width, int Height, byte[] Rgba)? Decode(ReadOnlySpan<byte> encoded)
    {
        if (encoded.IsEmpty) return null;
        byte* pixels;
        int width, height;
        fixed (byte* buffer = encoded)
        {
            try
            {
                pixels = stbi_load_from_memory(buffer, encoded.Length, out width, out height, out _, 4);
            }
            catch (DllNotFoundException e)
            {
                throw Missing(e);
            }
        }
        if (pixels == null) return null;
        try
        {
            return (width, height, new ReadOnlySpan<byte>(pixels, checked(width * height * 4)).ToArray());
        }
        finally
        {
            stbi_image_free(pixels);
        }
    }

    public static byte[] EncodePng(int width, int height, byte[] rgba) => Encode(rgba, (write, context, pixels) =>
        stbi_write_png_to_func((delegate* unmanaged[Cdecl]<void*, byte*, int, void>)write, (void*)context, width, height, 4, (byte*)pixels,
            width * 4));

    public static byte[] EncodeJpeg(int width, int height, byte[] rgba) => Encode(rgba, (write, context, pixels) =>
        stbi_write_jpg_to_func((delegate* unmanaged[Cdecl]<void*, byte*, int, void>)write, (void*)context, width, height, 4, (byte*)pixels,
            JpegQuality));

    private static byte[] Encode(byte[] rgba, Func<nint, nint, nint, int> encode)
    {
        using var output = new MemoryStream();
        var handle = GCHandle.Alloc(output);
        try
        {
            delegate* unmanaged[Cdecl]<void*, byte*, int, void> write = &Append;
            fixed (byte* pixels = rgba)
            {
                if (encode((nint)write, GCHandle.ToIntPtr(handle), (nint)pixels) == 0)
                    throw new InvalidOperationException("The image could not be encoded.");
            }
        }
        catch (DllNotFoundException e)
        {
            throw Missing(e);
        }
        finally
        {
            handle.Free();
        }
        return output.ToArray();
    }

    [UnmanagedCallersOnly(CallConvs = new[] { typeof(CallConvCdecl) })]
    private static void Append(void* context, byte* data, int size) =>
        ((MemoryStream)GCHandle.FromIntPtr((nint)context).Target).Write(new ReadOnlySpan<byte>(data, size));

    private static DllNotFoundException Missing(DllNotFoundException e) =>
        new($"Image files need the system's stb library ({Library}; Debian's package libstb-dev has it).", e);
}
