# The recipe for a tap; a release writes its version and sha256 and publishes the file beside its sdist.
class Routerterm < Formula
  include Language::Python::Virtualenv

  desc "Terminal chat client with a multi-provider LLM router inside"
  homepage "https://routerterm.example/"
  url "https://routerterm.example/releases/routerterm-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "MIT"

  depends_on "python@3.13"

  def install
    venv = virtualenv_create(libexec, "python3.13", system_site_packages: false)
    system libexec/"bin/python", "-m", "ensurepip"
    system libexec/"bin/python", "-m", "pip", "install", "--no-deps", "--require-hashes", "-r", "requirements/run.txt"
    venv.pip_install_and_link buildpath, build_isolation: true
    man1.install "docs/routerterm.1"
  end

  test do
    ENV["ROUTERTERM_HOME"] = testpath.to_s
    assert_equal "hello", shell_output("#{bin}/routerterm ask -m demo/echo hello").strip
  end
end
