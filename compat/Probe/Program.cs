using TorchSharp;

try
{
    // A tensor operation, so that the native library is really loaded; the version alone is a constant.
    using var sum = torch.ones(2).sum();
    Console.WriteLine(torch.__version__);
    return 0;
}
catch (Exception e)
{
    Console.WriteLine(e.GetBaseException().Message.ReplaceLineEndings(" "));
    return 1;
}
